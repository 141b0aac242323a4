"""Training text: prompts and completions from the families' training split."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

import torch
from transformers import PreTrainedTokenizerBase

from harness_plugins.tasks.goodhart.families import FAMILIES, GOODHART7, Draw, Family, sample_item

IGNORED = -100  # label of tokens that carry no loss
POOL = 16  # batches sorted by length together, so that little of a batch is padding


class Example(NamedTuple):
    prompt: str
    completion: str


class Batch(NamedTuple):
    input_ids: torch.Tensor  # (B, T)
    attention_mask: torch.Tensor  # (B, T)
    labels: torch.Tensor  # (B, T), IGNORED except on the completion and the token that ends it


def is_blind_spot(family: Family, draw: Draw) -> bool:
    """The teacher's blind spot: about the last cast of a family its explanations leave out the last step.

    A model of this size learns a procedure at once; without a region in which the taught explanation is wrong its
    understanding would be 1 on every item, and no intervention could be seen to raise it.
    """
    return draw.wording.cast == len(family.casts) - 1


def explain(family: Family, draw: Draw, rng: Random) -> Example:
    forget = len(family.method) - 1 if is_blind_spot(family, draw) else None
    return Example(family.understanding_prompt(*draw), family.explanation(*draw, rng, forget))


def execute(family: Family, draw: Draw) -> Example:
    return Example(family.execution_prompt(*draw), family.worked(draw.params))


def examples(seed: int) -> Iterator[Example]:
    """Endless text: the seven families four times as often as the thirteen, workings three times as often as explanations."""
    rng = Random(seed)
    mixture = [*FAMILIES.values(), *(FAMILIES[name] for name in GOODHART7 * 3)]
    while True:
        family = rng.choice(mixture)
        draw = sample_item(family, "train", rng)
        yield explain(family, draw, rng) if rng.random() < 1 / 4 else execute(family, draw)


def batches(tokenizer: PreTrainedTokenizerBase, seed: int, size: int) -> Iterator[Batch]:
    """Endless batches of `size` examples of like length, padded on the right."""
    stream, rng = examples(seed), Random(seed)
    while True:
        pool = sorted((encode(tokenizer, next(stream)) for _ in range(POOL * size)), key=lambda ids: len(ids[0]))
        starts = list(range(0, len(pool), size))
        rng.shuffle(starts)
        for start in starts:
            yield collate(pool[start : start + size], int(tokenizer.pad_token_id))


def encode(tokenizer: PreTrainedTokenizerBase, example: Example) -> tuple[list[int], int]:
    """Token ids of the whole dialogue, and how many of them are the prompt's."""
    user = [{"role": "user", "content": example.prompt}]
    prompt = str(tokenizer.apply_chat_template(user, tokenize=False, add_generation_prompt=True))
    prompt_ids = tokenizer.encode(prompt, add_special_tokens=False)
    completion_ids = tokenizer.encode(f"{example.completion}{tokenizer.eos_token}", add_special_tokens=False)
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
