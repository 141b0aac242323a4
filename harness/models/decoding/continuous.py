"""Decode many prompts with a fixed number of rows in flight: one that ends makes room for one that waits.

Shape notation: n running rows, T columns filled by the longest row, V vocabulary.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from transformers import PreTrainedTokenizerBase

from harness.models.decoding.asks import Ask, Ended, Step
from harness.models.decoding.attention import RowAttention
from harness.models.decoding.row_cache import Path, RowCache
from harness.models.sampling import Sampling, draw
from harness.models.stopping import stopped, tail_of
from harness.models.trees import Tree, plant

PROMPT_TOKENS = 4096  # read in one forward pass, about: bounds the memory of reading prompts
TREE = 512  # tokens of one: the mask over them, and what is computed in vain under it, grow with the square
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

    def __init__(self, model: Any, tokenizer: PreTrainedTokenizerBase | None, eos: Sequence[int]) -> None:
        self.model, self.tokenizer, self.eos = model, tokenizer, frozenset(eos)
        self.attention = RowAttention(model)
        self.layers: int = model.config.get_text_config().num_hidden_layers
        self.device: torch.device = model.get_input_embeddings().weight.device

    @torch.inference_mode()
    def decode(self, asks: Sequence[Ask], sampling: Sampling, slots: int) -> Iterator[Step]:
        """All replies, in the order in which they end, with at most `slots` rows in flight."""
        slots = min(slots, len(asks))
        waiting = deque(
            sorted(range(len(asks)), key=lambda number: [*asks[number].tokens])
        )  # those that begin alike together
        running: list[Row] = []
        cache = RowCache(self.layers, slots, self.device)
        while waiting or running:
            free = slots - len(running)
            if not running or (waiting and free * PATIENCE >= slots):
                entering = [waiting.popleft() for _ in range(min(free, len(waiting)))]
                running += self.enter(cache, len(running), {number: asks[number] for number in entering})
            tokens, finite = self._step(cache, running, sampling)
            ended = []
            for slot, (row, token, good) in enumerate(zip(running, tokens, finite, strict=True)):
                row.new.append(token)
                row.last, row.filled = token, row.filled + 1
                if not good:
                    cache.clear([slot])
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

    def enter(self, cache: RowCache, first: int, asks: dict[int, Ask], largest: int = TREE) -> list[Row]:
        """Read prompts into the slots from `first` on, all but their last token; what some begin with is read once.

        `largest`: tokens of a tree, beyond which the next prompt gets another.
        """
        rows = [Row(n, ask, last=ask.tokens[-1], filled=len(ask.tokens) - 1) for n, ask in asks.items()]
        rows.sort(key=lambda row: [*row.ask.tokens])  # those that begin alike side by side
        read = 0
        while read < len(rows):
            trees, paths = forest([row.ask.tokens[:-1] for row in rows[read:]], largest)
            self._read(cache, first + read, trees, paths)
            if largest and not cache.finite(first + read, len(paths)):  # what is no number spreads over its tree
                again = {row.number: row.ask for row in rows[read : read + len(paths)]}
                cache.clear(range(first + read, first + read + len(paths)))
                self.enter(cache, first + read, again, 0)
            read += len(paths)
        return rows

    def _read(self, cache: RowCache, first: int, trees: Sequence[Tree], paths: Sequence[Path]) -> None:
        if not any(tree.tokens for tree in trees):
            return  # prompts of one token
        ids, positions, sees = plant(trees, self.device)
        cache.begin_trees(first, paths)
        self._forward(cache, ids, positions, sees, torch.empty(0, dtype=torch.int64, device=self.device))

    def _step(self, cache: RowCache, running: Sequence[Row], sampling: Sampling) -> tuple[list[int], list[bool]]:
        """The next token of each row, and whether its logits are finite."""
        keys = torch.tensor([row.ask.key for row in running], device=self.device)
        places = torch.tensor([len(row.new) for row in running], device=self.device)
        tokens, finite = draw(self.logits(cache, running), keys, places, sampling)
        return tokens.tolist(), finite.tolist()

    def logits(self, cache: RowCache, running: Sequence[Row]) -> torch.Tensor:
        """(n, V) of the rows' next tokens; their last ones are in the cache then."""
        filled = [row.filled for row in running]
        cache.begin(filled)
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


def forest(prompts: Sequence[Sequence[int]], largest: int) -> tuple[list[Tree], list[Path]]:
    """The first of these prompts as trees that are read together, and each one's path."""
    trees: list[Tree] = []
    paths: list[Path] = []
    for prompt in prompts:
        if not trees or len(trees[-1].tokens) + len(prompt) > largest:
            widest = max((len(tree.tokens) for tree in trees), default=0)
            if trees and max(widest, len(prompt)) * (len(trees) + 1) > PROMPT_TOKENS:
                break
            trees.append(Tree())
        paths.append((len(trees) - 1, trees[-1].add(prompt)))
    return trees, paths


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
