"""Keys and values of the rows of a running batch, each row with a length of its own.

Rows are packed: n running rows lie in slots 0 to n - 1, each from column 0 on. Space is allocated ahead, so a step writes
one column and copies nothing.

Shape notation: B slots, n running rows, H heads of keys and values, C columns allocated, D size of a head.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers.cache_utils import Cache, CacheLayerMixin

COLUMNS = 128  # by which a cache grows, at least


class RowCache(Cache):
    """The memory of a running batch of up to `slots` rows, in the place of a cache of transformers."""

    def __init__(self, layers: int, slots: int, device: torch.device) -> None:
        self.slots, self.device = slots, device
        self.rows = [RowLayer(self) for _ in range(layers)]
        super().__init__(layers=[*self.rows])
        self.first = 0  # the slot of the first row that a forward pass is about
        self.starts: list[int] = []  # of each such row, the columns that are filled already
        self.next: tuple[torch.Tensor, slice, torch.Tensor] | None = None  # slots and columns of their next tokens
        self.columns = 0

    def begin(self, first: int, starts: Sequence[int], tokens: int) -> None:
        """The next forward pass reads `tokens` tokens of each of the rows in the slots from `first` on.

        Several tokens of a row may be read only where all rows have the same number of columns filled.
        """
        self.first, self.starts = first, list(starts)
        slots = torch.arange(first, first + len(starts), device=self.device)
        self.next = (slots, slice(None), torch.tensor(starts, device=self.device))
        self._grow(max(starts) + tokens)

    def copy(self, to: Sequence[int], origin: Sequence[int], columns: int) -> None:
        """Slots `to` get the first `columns` columns of the slots `origin`."""
        for layer in self.rows:
            if layer.is_initialized and columns and to:
                layer.keys[to, :, :columns] = layer.keys[origin, :, :columns]
                layer.values[to, :, :columns] = layer.values[origin, :, :columns]

    def clear(self, slot: int, start: int) -> None:
        """Forget columns from `start` on that hold what is no number: times a weight of zero it would still be none."""
        for layer in self.rows:
            layer.keys[slot, :, start:] = 0
            layer.values[slot, :, start:] = 0

    def _grow(self, columns: int) -> None:
        if columns > self.columns:
            self.columns = max(columns, self.columns + COLUMNS)
            for layer in self.rows:
                layer.grow()


class RowLayer(CacheLayerMixin):
    """One layer's keys and values, each (B, H, C, D)."""

    is_sliding = False
    keys: torch.Tensor
    values: torch.Tensor

    def __init__(self, cache: RowCache) -> None:
        super().__init__()
        self.cache = cache

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        self.keys, self.values = self._empty(key_states), self._empty(value_states)
        self.is_initialized = True

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: object, **kwargs: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write the new states (rows, H, tokens, D) behind what the rows have, and return all that is filled."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        first, starts, tokens = self.cache.first, self.cache.starts, key_states.shape[2]
        rows = slice(first, first + len(starts))
        if tokens == 1:
            self.keys[self.cache.next] = key_states[:, :, 0]
            self.values[self.cache.next] = value_states[:, :, 0]
        else:
            columns = slice(starts[0], starts[0] + tokens)
            self.keys[rows, :, columns] = key_states
            self.values[rows, :, columns] = value_states
        filled = max(starts) + tokens
        return self.keys[rows, :, :filled], self.values[rows, :, :filled]

    def grow(self) -> None:
        if self.is_initialized:
            before = self.keys, self.values
            self.keys, self.values = (self._empty(states) for states in before)
            for new, old in zip((self.keys, self.values), before, strict=True):
                new[:, :, : old.shape[2]] = old

    def _empty(self, states: torch.Tensor) -> torch.Tensor:
        _, heads, _, size = states.shape
        return states.new_zeros(self.cache.slots, heads, self.cache.columns, size)

    def get_seq_length(self) -> int:
        return max(self.cache.starts, default=0)

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.get_seq_length() + query_length, 0

    def get_max_length(self) -> int:
        return -1
