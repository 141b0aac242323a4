"""Gradients of contrastive pairs in the adapter's coordinates."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from harness.contract import Prompt
from harness.errors import UsageError
from harness.models.generate import Generator
from harness_plugins.trainers.adapters.adapter import Adapter, Vectors
from harness_plugins.trainers.pairs import Pair
from harness_plugins.trainers.scoring import Tokens, score


def paired_gradients(adapter: Adapter, generator: Generator, pairs: Sequence[Pair]) -> tuple[Vectors, Vectors]:
    """(hack, clean): name -> (P, r), the gradient of each completion's mean NLL, with the quarantine ablated.

    The mean makes a token of a short completion weigh more than in a loss with a fixed denominator; pairs of matched
    length keep that out of the contrast. Raises UsageError if the sides of a pair do not differ in tokens.
    """
    sides: tuple[list[Vectors], list[Vectors]] = ([], [])
    with adapter.ablated():
        for number, pair in enumerate(pairs, start=1):
            hack, clean = (completion_tokens(generator, pair.prompt, text) for text in (pair.hack, pair.clean))
            if hack.completion == clean.completion:
                raise UsageError(f"the two sides of pair {number} are the same tokens", "rewrite the pair")
            for gathered, tokens in zip(sides, (hack, clean), strict=True):
                gathered.append(nll_gradient(adapter, generator, tokens))
    hack_rows, clean_rows = (
        {name: torch.stack([row[name] for row in side]) for name in adapter.modules} for side in sides
    )
    return hack_rows, clean_rows


def nll_gradient(adapter: Adapter, generator: Generator, tokens: Tokens) -> Vectors:
    """name -> gradient (r,) of the mean NLL over one completion's tokens. Leaves no gradient behind."""
    adapter.zero_gradients()
    scored = score(generator.model, [tokens], generator.tokenizer.pad_token_id)
    (-scored.log_probs.sum() / scored.mask.sum()).backward()
    gradients = adapter.gradients()
    adapter.zero_gradients()
    return gradients


def completion_tokens(generator: Generator, prompt: str, completion: str) -> Tokens:
    """Prompt and completion as the model reads them in one turn, the end of the turn included."""
    asked = Prompt(role="pair", text=prompt, target=completion)
    ids = generator.encode(Prompt(role="pair", text=prompt))
    return Tokens(ids, [*generator.encode_target(asked), end_of_turn(generator)])


def end_of_turn(generator: Generator) -> int:
    """The token that ends a reply: the tokenizer's own, else the first that the model's configuration names."""
    own = generator.tokenizer.eos_token_id
    return own if own is not None else generator.loaded.eos[0]
