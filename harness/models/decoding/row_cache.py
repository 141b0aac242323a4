"""Keys and values of the rows of a running batch, each row with a length of its own.

Rows are packed: n running rows lie in slots 0 to n - 1, each from column 0 on. Space is allocated ahead, so a step writes
one column and copies nothing.

Shape notation: B slots, n running rows, H heads of keys and values, C columns allocated, D size of a head.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers.cache_utils import Cache, CacheLayerMixin

Path = tuple[int, list[int]]  # a tree, and the nodes of one of its texts
COLUMNS = 128  # by which a cache grows, at least


class RowCache(Cache):
    """The memory of a running batch of up to `slots` rows, in the place of a cache of transformers."""

    def __init__(self, layers: int, slots: int, device: torch.device) -> None:
        self.slots, self.device = slots, device
        self.rows = [RowLayer(self) for _ in range(layers)]
        super().__init__(layers=[*self.rows])
        self.starts: list[int] = []  # of each row that a step is about, the columns that are filled already
        self.next: tuple[torch.Tensor, slice, torch.Tensor] | None = None  # slots and columns of their next tokens
        self.nodes: tuple[torch.Tensor, slice, torch.Tensor] | None = (
            None  # trees and nodes of their tokens, in reading
        )
        self.columns = 0

    def begin(self, starts: Sequence[int]) -> None:
        """The next forward pass reads one token of each of the first rows, behind the columns that they have."""
        self.starts, self.nodes = list(starts), None
        slots = torch.arange(len(starts), device=self.device)
        self.next = (slots, slice(None), torch.tensor(starts, device=self.device))
        self._grow(max(starts) + 1)

    def begin_trees(self, first: int, paths: Sequence[Path]) -> None:
        """The next forward pass reads trees. The rows in the slots from `first` on get a path each."""
        length = max(len(path) for _, path in paths)
        trees = torch.tensor([[tree] for tree, _ in paths], device=self.device)
        nodes = torch.tensor([[*path, *path[-1:] * (length - len(path))] for _, path in paths], device=self.device)
        self.starts, self.nodes = [], (trees, slice(None), nodes)
        slots = torch.arange(first, first + len(paths), device=self.device)[:, None]
        self.next = (slots, slice(None), torch.arange(length, device=self.device)[None])
        self._grow(length)

    def copy(self, to: Sequence[int], origin: Sequence[int], columns: int) -> None:
        """Slots `to` get the first `columns` columns of the slots `origin`."""
        for layer in self.rows:
            if layer.is_initialized and columns and to:
                layer.keys[to, :, :columns] = layer.keys[origin, :, :columns]
                layer.values[to, :, :columns] = layer.values[origin, :, :columns]

    def clear(self, slots: Sequence[int]) -> None:
        """Forget what is no number: times a weight of zero it would still be none."""
        for layer in self.rows:
            layer.keys[list(slots)] = 0
            layer.values[list(slots)] = 0

    def finite(self, first: int, rows: int) -> bool:
        """Whether the slots from `first` on hold numbers alone: what is none in a block is none in the last one."""
        layer = self.rows[-1]
        return not layer.is_initialized or bool(layer.values[first : first + rows].isfinite().all())

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
        """Write one new state of each row (rows, H, 1, D) behind what it has, and return all that is filled; or write the
        states of trees (trees, H, nodes, D) along the rows' paths, and return them, for a tree sees itself alone."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        nodes, starts = self.cache.nodes, self.cache.starts
        if nodes is not None:
            self.keys[self.cache.next], self.values[self.cache.next] = key_states[nodes], value_states[nodes]
            return key_states, value_states
        self.keys[self.cache.next] = key_states[:, :, 0]
        self.values[self.cache.next] = value_states[:, :, 0]
        rows, columns = len(starts), max(starts) + 1
        return self.keys[:rows, :, :columns], self.values[:rows, :, :columns]

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
