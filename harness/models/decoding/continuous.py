"""Decode many prompts with a fixed number of rows in flight: one that ends makes room for one that waits.

Shape notation: n running rows, u prompts that are read at once, L their padded length, P length of what all prompts
begin with, T columns filled by the longest row, V vocabulary.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

import torch
from transformers import PreTrainedTokenizerBase

from harness.models.decoding.asks import Ask, Ended, Step
from harness.models.decoding.attention import RowAttention
from harness.models.decoding.row_cache import RowCache
from harness.models.sampling import Sampling, draw
from harness.models.stopping import stopped, tail_of

PROMPT_TOKENS = 4096  # read in one forward pass, about: bounds the memory of reading prompts
PATIENCE = 8  # waiting rows enter once an 8th of the slots is free: reading several prompts at once is cheaper


@dataclass
class Row:
    """A reply under way. All but its last token are in the cache."""

    number: int
    ask: Ask
    last: int
    filled: int
    new: list[int] = field(default_factory=list)


class RowDecoder:
    """Decodes with one model whose blocks all attend to everything before. `eos`: the tokens that end a reply."""

    def __init__(self, model: Any, tokenizer: PreTrainedTokenizerBase, eos: Sequence[int]) -> None:
        self.model, self.tokenizer, self.eos = model, tokenizer, frozenset(eos)
        self.attention = RowAttention(model)
        self.layers: int = model.config.get_text_config().num_hidden_layers
        self.device: torch.device = model.get_input_embeddings().weight.device

    @torch.inference_mode()
    def decode(self, asks: Sequence[Ask], sampling: Sampling, slots: int) -> Iterator[Step]:
        """All replies, in the order in which they end, with at most `slots` rows in flight."""
        slots = min(slots, len(asks))
        order = sorted(range(len(asks)), key=lambda number: (len(asks[number].tokens), asks[number].tokens))
        waiting = deque(reversed(order))  # the longest prompts first: what does not fit the memory shows at once
        running: list[Row] = []
        cache = RowCache(self.layers, slots, self.device)
        shared = self.read_shared(cache, asks)
        while waiting or running:
            free = slots - len(running)
            if not running or (waiting and free * PATIENCE >= slots):
                entering = [waiting.popleft() for _ in range(min(free, len(waiting)))]
                running += self.enter(cache, len(running), shared, {number: asks[number] for number in entering})
            tokens, finite = self._step(cache, running, sampling)
            ended = []
            for slot, (row, token, good) in enumerate(zip(running, tokens, finite, strict=True)):
                row.new.append(token)
                row.last, row.filled = token, row.filled + 1
                if not good:
                    cache.clear(slot, shared)
                if not good or self._ends(row):
                    ended.append(Ended(row.number, row.new if good else None))
            stepped = len(running)
            running = close_ranks(cache, running, {one.number for one in ended})
            yield Step(ended, stepped)

    def _ends(self, row: Row) -> bool:
        if row.last in self.eos or len(row.new) >= row.ask.limit:
            return True
        return bool(row.ask.stop) and stopped(self.tokenizer, row.new[-tail_of(row.ask.stop) :], row.ask.stop)

    # ---------------------------------------------------------------------------------------------------- forward passes

    def read_shared(self, cache: RowCache, asks: Sequence[Ask]) -> int:
        """Read what all prompts begin with, once, into every slot. Its length P; a prompt's last token is no part of it."""
        prompts = sorted([*ask.tokens[:-1]] for ask in asks)
        pairs = zip(prompts[0], prompts[-1], strict=False)  # what the first and the last share, all in between share
        shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        if shared:
            self._read(cache, 0, 0, [prompts[0][:shared]])
            cache.copy(range(1, cache.slots), [0] * (cache.slots - 1), shared)
        return shared

    def enter(self, cache: RowCache, first: int, shared: int, asks: dict[int, Ask]) -> list[Row]:
        """Read prompts into the slots from `first` on, all but their last token; equal ones once."""
        prompts: dict[tuple[int, ...], list[int]] = {}
        for number, ask in asks.items():
            prompts.setdefault(tuple(ask.tokens[:-1]), []).append(number)
        unread = [prompt[shared:] for prompt in prompts]
        slot = first
        while unread:
            count = max(1, PROMPT_TOKENS // max(1, len(unread[0])))  # the longest comes first
            self._read(cache, slot, shared, unread[:count])
            slot, unread = slot + count, unread[count:]
        numbers = [numbers[0] for numbers in prompts.values()]
        copies, origins = [], []
        for place, same in enumerate(prompts.values()):
            for number in same[1:]:
                copies.append(first + len(numbers))
                origins.append(first + place)
                numbers.append(number)
        cache.copy(copies, origins, max(map(len, prompts)))
        return [Row(n, asks[n], last=asks[n].tokens[-1], filled=len(asks[n].tokens) - 1) for n in numbers]

    def _read(self, cache: RowCache, first: int, start: int, prompts: Sequence[Sequence[int]]) -> None:
        """Read u rows of tokens into the cache, from column `start` on; they are padded at their end, which none sees."""
        length = max(map(len, prompts))
        if not length:
            return
        ids = torch.tensor(
            [[*prompt, *[0] * (length - len(prompt))] for prompt in prompts], device=self.device
        )  # (u, L)
        positions = torch.arange(start, start + length, device=self.device)[None].expand(len(prompts), -1)
        mask = None  # causal
        if start and length > 1:
            columns = torch.arange(start + length, device=self.device)
            mask = (columns <= positions[:1, :, None])[:, None]  # (1, 1, L, P + L)
        cache.begin(first, [start] * len(prompts), length)
        self._forward(cache, ids, positions, mask, torch.empty(0, dtype=torch.int64, device=self.device))

    def _step(self, cache: RowCache, running: Sequence[Row], sampling: Sampling) -> tuple[list[int], list[bool]]:
        """The next token of each row, and whether its logits are finite."""
        keys = torch.tensor([row.ask.key for row in running], device=self.device)
        places = torch.tensor([len(row.new) for row in running], device=self.device)
        tokens, finite = draw(self.logits(cache, running), keys, places, sampling)
        return tokens.tolist(), finite.tolist()

    def logits(self, cache: RowCache, running: Sequence[Row]) -> torch.Tensor:
        """(n, V) of the rows' next tokens; their last ones are in the cache then."""
        filled = [row.filled for row in running]
        cache.begin(0, filled, 1)
        ids = torch.tensor([[row.last] for row in running], device=self.device)
        positions = torch.tensor(filled, device=self.device)[:, None]  # (n, 1)
        mask = None
        if min(filled) < max(filled):
            unseen = torch.arange(max(filled) + 1, device=self.device) > positions  # (n, T)
            mask = torch.zeros(unseen.shape, dtype=self.model.dtype, device=self.device)
            mask = mask.masked_fill_(unseen, float("-inf"))[:, None, None]
        return self._forward(cache, ids, positions, mask, 1)[:, -1]

    def _forward(
        self,
        cache: RowCache,
        ids: torch.Tensor,
        positions: torch.Tensor,
        mask: torch.Tensor | None,
        kept: int | torch.Tensor,
    ) -> torch.Tensor:
        with self.attention.on():
            return self.model(
                input_ids=ids,
                position_ids=positions,
                attention_mask=mask,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=kept,
            ).logits


def close_ranks(cache: RowCache, running: list[Row], ended: set[int]) -> list[Row]:
    """The rows that go on, moved into the first slots."""
    going = [slot for slot, row in enumerate(running) if row.number not in ended]
    holes = [slot for slot in range(len(going)) if running[slot].number in ended]
    movers = [slot for slot in going if slot >= len(going)]
    if holes:
        cache.copy(holes, movers, max(running[slot].filled for slot in movers))
    closed = running[: len(going)]
    for hole, mover in zip(holes, movers, strict=True):
        closed[hole] = running[mover]
    return closed
