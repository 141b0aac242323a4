"""Where replies end: at an end-of-text token, at a stop string, or at the row's own limit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from transformers import PreTrainedTokenizerBase, StoppingCriteria

SLACK = 8  # tokens decoded beyond a stop string's own: a token may hold no character, or part of one


class RowStoppingCriteria(StoppingCriteria):
    """Records where each row of a batch ends, and pauses generation when dropping the ended rows pays.

    That is once half of them have ended, and at the smallest limit, beyond which a row would leave the model's context.
    `ends` (B,) is each row's length in new tokens where it ended, 0 while it goes on.
    """

    def __init__(
        self,
        limits: torch.Tensor,
        eos: Sequence[int],
        stop: Sequence[str],
        tokenizer: PreTrainedTokenizerBase | None,
        prompt_length: int,
    ) -> None:
        """`limits`: (B,) the most new tokens of each row; `prompt_length`: padded length of the prompts."""
        self.limits = limits
        self.smallest_limit = int(limits.min())
        self.eos = torch.tensor(eos, dtype=torch.int64, device=limits.device)
        self.stop, self.tokenizer = stop, tokenizer
        self.tail = tail_of(stop)
        self.prompt_length = prompt_length
        self.ends = torch.zeros_like(limits)

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor | None, **_: object) -> torch.BoolTensor:
        """input_ids: (B, prompt_length + new tokens) -> (B,) True where the reply has ended, everywhere to pause."""
        new = input_ids.shape[1] - self.prompt_length
        ended = torch.isin(input_ids[:, -1], self.eos) | (self.limits <= new)  # (B,)
        if self.stop:
            ended |= self._stopped(input_ids, new)
        self.ends = torch.where((self.ends == 0) & ended, new, self.ends)
        running = self.ends == 0
        if new >= self.smallest_limit or 2 * int(running.sum()) <= len(running):
            return cast(torch.BoolTensor, torch.ones_like(running))
        return cast(torch.BoolTensor, ~running)

    def _stopped(self, input_ids: torch.Tensor, new: int) -> torch.Tensor:
        """Whether the last tokens of each row hold a stop string, however it is split into tokens. (B,)"""
        tails = input_ids[:, -min(new, self.tail) :].tolist()
        return torch.tensor([stopped(self.tokenizer, tail, self.stop) for tail in tails], device=input_ids.device)


def tail_of(stop: Sequence[str]) -> int:
    """The number of last tokens in which a stop string that has just been completed lies: every byte may be a token."""
    return max((len(text.encode()) for text in stop), default=0) + SLACK


def stopped(tokenizer: PreTrainedTokenizerBase | None, tail: Sequence[int], stop: Sequence[str]) -> bool:
    """Whether these tokens hold a stop string, however it is split over them."""
    if tokenizer is None:
        raise ValueError("whether a text ends a reply cannot be told without a tokenizer")
    text = str(tokenizer.decode(list(tail), skip_special_tokens=True))
    return any(string in text for string in stop)


def cut_at_stop(text: str, stop: Sequence[str]) -> str:
    """`text` up to the first stop string in it."""
    found = [place for place in (text.find(string) for string in stop) if place >= 0]
    return text[: min(found)] if found else text
