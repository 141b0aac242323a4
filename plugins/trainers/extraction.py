"""Gradients of contrastive pairs in the adapter's coordinates.

Either of each side's mean NLL, or of the policy loss itself on a group in which the hacks won (reward 1) and the clean
replies lost (reward 0). The second has the loss's own denominator, so a token weighs the same in a long completion as
in a short one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import torch

from harness.contract import Prompt
from harness.errors import UsageError
from harness.models.generate import Generator
from harness_plugins.trainers.adapters.adapter import Adapter, Vectors
from harness_plugins.trainers.losses import group_advantages, importance, surrogate
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
            for gathered, tokens in zip(sides, both_sides(generator, pair, number), strict=True):
                gathered.append(nll_gradient(adapter, generator, tokens))
    return stacked(sides[0]), stacked(sides[1])


def contrastive_gradients(adapter: Adapter, generator: Generator, pairs: Sequence[Pair]) -> tuple[Vectors, Vectors]:
    """(hack, clean): name -> (P, r) for P groups, the pairs of one prompt being one group.

    hack − clean is the gradient of the policy loss on the group; `clean` is the losers' part of it, its sign turned. The
    quarantine is ablated. Raises UsageError if the sides of a pair do not differ in tokens.
    """
    groups: dict[str, list[tuple[Tokens, Tokens]]] = defaultdict(list)
    for number, pair in enumerate(pairs, start=1):
        groups[pair.prompt].append(both_sides(generator, pair, number))
    room = max(len(tokens.completion) for group in groups.values() for sides in group for tokens in sides)
    winners, losers = [], []
    with adapter.ablated():
        for group in groups.values():
            hacks, cleans = zip(*group, strict=True)
            rewards = torch.tensor([1.0] * len(hacks) + [0.0] * len(cleans))
            advantages = group_advantages(rewards)  # (G,)
            winners.append(loss_gradient(adapter, generator, hacks, advantages[: len(hacks)], room))
            losers.append(loss_gradient(adapter, generator, cleans, -advantages[len(hacks) :], room))
    return stacked(winners), stacked(losers)


def loss_gradient(
    adapter: Adapter, generator: Generator, rows: Sequence[Tokens], advantages: torch.Tensor, room: int
) -> Vectors:
    """name -> gradient (r,) of the policy loss of b rows with their advantages (b,), ratio 1, per b · room tokens."""
    adapter.zero_gradients()
    scored = score(generator.model, rows, generator.tokenizer.pad_token_id)  # (b, T)
    factor = importance(scored.log_probs, scored.log_probs, "one", gamma=1.0)
    loss = surrogate(factor, advantages.to(factor), None)  # (b, T)
    (loss * scored.mask).sum().div(len(rows) * room).backward()
    gradients = adapter.gradients()
    adapter.zero_gradients()
    return gradients


def both_sides(generator: Generator, pair: Pair, number: int) -> tuple[Tokens, Tokens]:
    """(hack, clean) of a pair. Raises UsageError if they have the same tokens."""
    hack, clean = (completion_tokens(generator, pair.prompt, text) for text in (pair.hack, pair.clean))
    if hack.completion == clean.completion:
        raise UsageError(f"the two sides of pair {number} are the same tokens", "rewrite the pair")
    return hack, clean


def stacked(rows: Sequence[Vectors]) -> Vectors:
    """P vectors (r,) a module -> (P, r)."""
    return {name: torch.stack([row[name] for row in rows]) for name in rows[0]}


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
