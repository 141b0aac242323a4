"""Signed-CorDA routing: half of an adapter's slots is deployed, the other half takes up hacking and is reset.

A slot of that quarantine starts along what hacks have and honest replies have not, in each Linear's *input*, and the slots
of both halves start along its leading singular vectors (`SlotLinear`). What is learnt about hacking should then
gather where it is cheapest to learn, in the quarantine, even when nobody knows that a reply is a hack.

Each reply has a mode (`mode_of`), and that is all that routing is:

keep    drawn as the deployed model would answer, and learnt by what is deployed alone
absorb  drawn and learnt by all slots: who learns what is left to where they start
route   known to be a hack, so that the quarantine alone learns from it

Known are the teacher's replies, which the graders have confirmed, and those that a monitor flags, where there is one. The
reward is still the proxy's; the truth decides nothing.

A reply is learnt in the mode in which it was drawn, so that its ratio is 1; a routed one that was drawn as deployed is
the exception. The published result is of a run that routed nothing (`router=false`). Its last epoch, on honest completions,
is left out: no other arm is trained on such data. docs/how-to/trainers.md has all differences.

Shape notation: P pairs; m out_features, n in_features of a Linear.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

import torch
from pydantic import JsonValue
from torch.nn import functional as F

from harness.errors import StageError
from harness.models.generate import Generator
from harness_plugins.trainers.adapters.adapter import Adapter, Vectors
from harness_plugins.trainers.adapters.linear import Mode
from harness_plugins.trainers.adapters.slots import Seed, SlotLinear
from harness_plugins.trainers.directions import agreement, haar, module_generator
from harness_plugins.trainers.extraction import both_sides, stacked
from harness_plugins.trainers.metrics import mean, number
from harness_plugins.trainers.pairs import Pair
from harness_plugins.trainers.rollouts import Rollout, Weighted
from harness_plugins.trainers.scoring import Tokens, score
from harness_plugins.trainers.spec import GrpoParams

# -------------------------------------------------------------------------------------------------------------- seeds


def plant_seeds(
    adapter: Adapter, generator: Generator, pairs: Sequence[Pair], params: GrpoParams, seed: int
) -> dict[str, JsonValue]:
    """Start the first slot of the half `seeded` of every module along the pairs' hack direction; what is logged of it.

    The last `held_out` pairs have no part in the direction: the agreement is measured on them. Raises StageError if no
    module tells the two sides apart, or too few pairs are left.
    """
    used = len(pairs) - params.held_out
    if used < 1:
        raise StageError(f"{len(pairs)} pairs leave none to extract from with {params.held_out} held out", "add pairs")
    sides = [both_sides(generator, pair, number) for number, pair in enumerate(pairs, start=1)]
    hack, clean = (stacked([mean_inputs(adapter, generator, it) for it in side]) for side in zip(*sides, strict=True))
    contrasts = {name: hack[name] - clean[name] for name in hack}  # each (P, n)
    planted: Vectors = {}
    for name, module in adapter.modules.items():
        assert isinstance(module, SlotLinear)
        chance = module_generator(seed, 0, name) if params.placebo == "haar" else None
        found = seed_of(contrasts[name][:used], module.base.weight, chance)
        if found:
            module.plant(found, params.seeded)
            planted[name] = found.into[None]  # (1, n)
    if not planted:
        raise StageError("the two sides of the pairs have the same activations, so there is no direction between them")
    agreed = agreement({name: contrasts[name][used:] for name in planted}, planted)
    return {"direction_rows": len(planted), "direction_agreement": number(agreed)}


@torch.no_grad()
def mean_inputs(adapter: Adapter, generator: Generator, tokens: Tokens) -> Vectors:
    """name -> (n,): the mean of each Linear's input over the completion's tokens, in float32.

    Raises StageError where no token reaches one of them.
    """
    found: Vectors = {}

    def keep(name: str, x: torch.Tensor) -> None:  # x (1, L, n), or without the 1
        found[name] = x.reshape(-1, x.shape[-1])[len(tokens.prompt) :].float().mean(dim=0)

    hooks = [
        module.register_forward_pre_hook(lambda _, inputs, name=name: keep(name, inputs[0]))
        for name, module in adapter.modules.items()
    ]
    try:
        score(generator.model, [tokens], generator.tokenizer.pad_token_id)
    finally:
        for hook in hooks:
            hook.remove()
    if missed := sorted(adapter.modules.keys() - found.keys()):
        raise StageError(f"no token of a pair reaches {missed[0]}", "scorda needs a model without routed experts")
    return found


def seed_of(contrasts: torch.Tensor, weight: torch.Tensor, chance: torch.Generator | None = None) -> Seed | None:
    """The mean of the pairs' differences (P, n) as a unit vector u, and W u as another; None where either is zero.

    With `chance` u is uniform over all unit vectors instead, wherever the pairs give one.
    """
    direction = contrasts.mean(dim=0)
    if chance is not None and direction.norm() > 0:
        direction = haar(1, len(direction), chance)[0].to(direction)
    into = F.normalize(direction, dim=0)  # (n,)
    out = F.normalize(weight.detach().float() @ into, dim=0)  # (m, n) @ (n,) -> (m,)
    return Seed(into, out) if into.any() and out.any() else None


# -------------------------------------------------------------------------------------------------------------- modes


def mode_of(rollout: Rollout, router: bool) -> Mode:
    """What learns from a reply, from how it was drawn and from what is known of it."""
    return "route" if router and (rollout.teacher or rollout.flagged) else rollout.mode


def drawn_as_deployed(groups: Sequence[Sequence[Rollout]]) -> list[list[Rollout]]:
    return [[replace(rollout, mode="keep") for rollout in group] for group in groups]


def routed(groups: Sequence[Sequence[Rollout]], router: bool) -> tuple[list[list[Rollout]], dict[str, JsonValue]]:
    """The groups with each rollout's mode, and what came of it, for the step's row; the truth is for that alone."""
    found = [[replace(rollout, mode=mode_of(rollout, router)) for rollout in group] for group in groups]
    flat = [rollout for group in found for rollout in group]
    own = [rollout for rollout in flat if not rollout.teacher]
    return found, {
        "kept": sum(rollout.mode == "keep" for rollout in flat),
        "absorbed": sum(rollout.mode == "absorb" for rollout in flat),
        "routed": sum(rollout.mode == "route" for rollout in flat),
        "routed_of_hacks": mean([rollout.mode == "route" for rollout in own if rollout.hack]),
        "routed_of_rest": mean([rollout.mode == "route" for rollout in own if not rollout.hack]),
    }


def by_mode(batch: Iterable[Weighted]) -> dict[Mode, list[Weighted]]:
    """Rows that share a forward pass: what each slot does is then the same for all of them, and no row needs a mask."""
    rows: defaultdict[Mode, list[Weighted]] = defaultdict(list)
    for weighted in batch:
        rows[weighted.row.mode].append(weighted)
    return rows
