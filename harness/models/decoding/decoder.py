"""Decode with any model: row by row where it proves that it can be, else batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from transformers import PreTrainedTokenizerBase

from harness.models.decoding.asks import Ask, Ended, Step
from harness.models.decoding.continuous import RowDecoder
from harness.models.decoding.support import unsupported
from harness.models.decoding.whole_batch import decode_batch
from harness.models.failures import memory_errors
from harness.models.padding import pad_left
from harness.models.sampling import Sampling


class Decoder:
    """New tokens from one model. `tokenizer`: may be None where no text ends a reply and prompts are equally long; `eos`:
    the tokens that end a reply; `accepts`: the arguments of the model's forward; `alone`: why it is asked one prompt at a
    time, "" if it is not."""

    def __init__(
        self,
        model: Any,
        tokenizer: PreTrainedTokenizerBase | None,
        eos: Sequence[int],
        accepts: frozenset[str],
        alone: str = "",
    ) -> None:
        self.model, self.tokenizer, self.eos, self.accepts, self.alone = model, tokenizer, eos, accepts, alone
        self.by_row = RowDecoder(model, tokenizer, eos)

    @cached_property
    def by_batch(self) -> str | None:
        """Why rows of this model cannot enter a running batch, so that it is decoded batch by batch; None where they can."""
        return self.alone or unsupported(self.by_row, self.accepts)

    def decode(self, asks: Sequence[Ask], sampling: Sampling, slots: int, remedy: str | None = None) -> Iterator[Step]:
        """All replies, in the order in which they end, numbered as in `asks`, with at most `slots` under way at a time.

        Raises StageError, with this `remedy`, when memory runs out.
        """
        with memory_errors(min(slots, len(asks)), remedy):
            if asks and self.by_batch is None:
                yield from self.by_row.decode(asks, sampling, slots)
            else:
                yield from self._batches(asks, sampling, 1 if self.alone else slots)

    def _batches(self, asks: Sequence[Ask], sampling: Sampling, slots: int) -> Iterator[Step]:
        order = sorted(range(len(asks)), key=lambda number: (asks[number].stop, len(asks[number].tokens), number))
        while order:
            stop = asks[order[0]].stop
            batch = [number for number in order[:slots] if asks[number].stop == stop]
            order = order[len(batch) :]
            chosen = [asks[number] for number in batch]
            pad = self.tokenizer.pad_token_id if self.tokenizer else 0
            input_ids, attention_mask = pad_left([ask.tokens for ask in chosen], pad, self.by_row.device)
            for step in decode_batch(
                self.model,
                self.tokenizer,
                input_ids,
                attention_mask,
                keys=[ask.key for ask in chosen],
                sampling=sampling,
                limits=[ask.limit for ask in chosen],
                eos=self.eos,
                stop=stop,
            ):
                yield Step([Ended(batch[row], tokens) for row, tokens in step.ended], step.tokens)
