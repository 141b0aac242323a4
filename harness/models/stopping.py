"""Stop strings: end a reply once its text contains one of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from transformers import PreTrainedTokenizerBase, StoppingCriteria

SLACK = 8  # tokens decoded beyond a stop string's own: a token may hold no character, or part of one


class StopStrings(StoppingCriteria):
    """Ends each row of a batch on its own; `ends[row]` is its length in new tokens once it stopped, else None.

    Only the tail that can hold a stop string is decoded, at each step. Matching text instead of tokens finds a stop
    string however its characters fall into tokens.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, stop: Sequence[str], prompt_length: int) -> None:
        self.tokenizer = tokenizer
        self.stop = stop
        self.prompt_length = prompt_length
        self.tail = max(len(text.encode()) for text in stop) + SLACK  # every byte may be a token of its own
        self.ends: list[int | None] = []

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor | None, **_: object) -> torch.BoolTensor:
        """input_ids: (B, prompt_length + new tokens) -> (B,) True where the reply has ended."""
        new = input_ids.shape[1] - self.prompt_length
        self.ends = self.ends or [None] * input_ids.shape[0]
        tails = input_ids[:, max(self.prompt_length, input_ids.shape[1] - self.tail) :].tolist()
        for row, tokens in enumerate(tails):
            if self.ends[row] is None:
                text = str(self.tokenizer.decode(tokens, skip_special_tokens=True))
                if any(stop in text for stop in self.stop):
                    self.ends[row] = new
        return cast(torch.BoolTensor, torch.tensor([end is not None for end in self.ends], device=input_ids.device))


def cut_at_stop(text: str, stop: Sequence[str]) -> str:
    """`text` up to the first stop string in it."""
    found = [place for place in (text.find(string) for string in stop) if place >= 0]
    return text[: min(found)] if found else text
