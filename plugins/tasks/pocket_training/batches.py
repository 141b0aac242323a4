"""Prompts and completions as padded batches. B examples in a batch, T tokens in its longest one."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

import torch
from transformers import PreTrainedTokenizerBase

IGNORED = -100  # label of tokens that carry no loss
POOL = 16  # batches sorted by length together, so that little of a batch is padding


class Batch(NamedTuple):
    input_ids: torch.Tensor  # (B, T)
    attention_mask: torch.Tensor  # (B, T)
    labels: torch.Tensor  # (B, T), IGNORED except on the completion and the token that ends it


def batches(
    tokenizer: PreTrainedTokenizerBase, stream: Iterator[tuple[str, str]], size: int, order: Random
) -> Iterator[Batch]:
    """Endless batches of `size` examples (prompt, completion) of like length, padded on the right, in random order."""
    pad = tokenizer.convert_tokens_to_ids(str(tokenizer.pad_token))
    assert isinstance(pad, int)
    while True:
        pool = sorted((encode(tokenizer, *next(stream)) for _ in range(POOL * size)), key=lambda pair: len(pair[0]))
        starts = list(range(0, len(pool), size))
        order.shuffle(starts)
        for start in starts:
            yield collate(pool[start : start + size], pad)


def encode(tokenizer: PreTrainedTokenizerBase, prompt: str, completion: str) -> tuple[list[int], int]:
    """Token ids of the whole dialogue, and how many of them are the prompt's."""
    user = [{"role": "user", "content": prompt}]
    asked = str(tokenizer.apply_chat_template(user, tokenize=False, add_generation_prompt=True))
    prompt_ids = tokenizer.encode(asked, add_special_tokens=False)
    completion_ids = tokenizer.encode(f"{completion}{tokenizer.eos_token}", add_special_tokens=False)
    return prompt_ids + completion_ids, len(prompt_ids)


def collate(encoded: list[tuple[list[int], int]], pad: int) -> Batch:
    width = max(len(ids) for ids, _ in encoded)
    input_ids = torch.full((len(encoded), width), pad)
    labels = torch.full((len(encoded), width), IGNORED)
    mask = torch.zeros((len(encoded), width), dtype=torch.long)
    for row, (ids, prompt) in enumerate(encoded):
        input_ids[row, : len(ids)] = torch.tensor(ids)
        labels[row, prompt : len(ids)] = torch.tensor(ids[prompt:])
        mask[row, : len(ids)] = 1
    return Batch(input_ids, mask, labels)
