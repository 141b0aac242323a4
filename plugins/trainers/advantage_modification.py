"""Advantage modification: rewards are lowered where the policy's own activations lie along a hack direction (arXiv 2604.01476).

With h_i the activations of rollout i, averaged over its reply's tokens and over the blocks between two depths, and d the
difference of means between both sides of contrastive pairs:

    s_i = h_i · d          z_i = (s_i − mean) / max(std, 0.1) within its group
    additive        r'_i = r_i − α max(z_i, 0)
    multiplicative  r'_i = r_i (1 − α σ(z_i) [z_i > 0])

σ is at least one half where z > 0, so from α = 2 on the multiplicative factor is never positive there: each rollout above its
group's mean, right or wrong, is paid nothing or less. Below 2 a right one just above the mean keeps 1 − α/2 of its reward, and
up to α = 1 every right one keeps part of it. That is the cliff.

The paper reads the prompt's last token, as its text has it. All rollouts of a group share it, so every z would be zero; here
the reply's tokens are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from pydantic import JsonValue

from harness.models.activations import residual
from harness.models.generate import Generator
from harness.store.hashing import key_of
from harness_plugins.trainers.directions import Placebo
from harness_plugins.trainers.extraction import both_sides
from harness_plugins.trainers.losses import has_contrast
from harness_plugins.trainers.metrics import mean
from harness_plugins.trainers.pairs import Pair
from harness_plugins.trainers.rollouts import Rollout
from harness_plugins.trainers.scoring import Tokens

Kind = Literal["additive", "multiplicative"]
LEAST_STD = 0.1


@dataclass(frozen=True)
class Axis:
    direction: torch.Tensor  # d (d_model,), not of unit length
    agreement: float  # share of held-out pairs whose hack lies further along it; chance is .5; nan without any


def hack_axis(
    hack: torch.Tensor, clean: torch.Tensor, held_out: int, placebo: Placebo, seed: int, turn: int = 0
) -> Axis:
    """d from the activations (P, d_model) of both sides of P pairs, the last `held_out` of which only check it.

    placebo: `haar` is a uniform random direction of d's length, another one at each `turn`; `shuffled` swaps the sides of
    each pair at random; `clean` contrasts honest replies of neighbouring pairs.
    """
    used = len(hack) - held_out
    generator = torch.Generator().manual_seed(int(key_of([seed, turn, "reward edit"])[:15], 16))
    real = (hack - clean)[:used].mean(dim=0)  # (d_model,)
    if placebo == "haar":
        random = torch.randn(real.shape, generator=generator).to(real)
        real = random * (real.norm() / random.norm())
    elif placebo == "shuffled":
        signs = torch.where(torch.rand(used, generator=generator) < 0.5, -1.0, 1.0).to(real)  # (P,)
        real = (signs[:, None] * (hack - clean)[:used]).mean(dim=0)
    elif placebo == "clean":
        real = (clean[1:used:2] - clean[: used - 1 : 2]).mean(dim=0)  # none twice: a chain's mean is its ends alone
    along = (hack - clean)[used:] @ real  # (held_out,)
    return Axis(real, float((along > 0).float().mean()))


def group_scores(scores: torch.Tensor) -> torch.Tensor:
    """s (G,) -> z (G,): how far each rollout lies along the axis beside its group."""
    return (scores - scores.mean()) / scores.std(correction=0).clamp(min=LEAST_STD)


def edited(rewards: torch.Tensor, z: torch.Tensor, kind: Kind, alpha: float) -> torch.Tensor:
    """r (G,), z (G,) -> r' (G,)."""
    if kind == "additive":
        return rewards - alpha * z.clamp(min=0)
    return rewards * (1 - alpha * z.sigmoid() * (z > 0))


@dataclass
class AdvantageModification:
    """Edits a step's groups. `axis` is set before the first step and whenever directions are extracted again."""

    generator: Generator
    kind: Kind
    alpha: float
    depths: tuple[float, float]
    batch: int  # rows of one forward pass
    axis: torch.Tensor | None = None

    def extract(
        self, pairs: Sequence[Pair], held_out: int, placebo: Placebo, seed: int, turn: int
    ) -> dict[str, JsonValue]:
        """Take the axis from the current policy's activations; what is logged of it."""
        sides = [both_sides(self.generator, pair, number) for number, pair in enumerate(pairs, start=1)]
        hack, clean = (self.activations(side) for side in zip(*sides, strict=True))
        found = hack_axis(hack, clean, held_out, placebo, seed, turn)
        self.axis = found.direction
        known = held_out > 0
        return {"axis_norm": float(found.direction.norm()), "axis_agreement": found.agreement if known else None}

    def __call__(self, groups: Sequence[Sequence[Rollout]]) -> tuple[list[list[Rollout]], dict[str, JsonValue]]:
        """The groups with edited rewards, and how hacks and the rest lie along the axis, for the step's row."""
        assert self.axis is not None
        flat = [rollout for group in groups for rollout in group]
        distinct = {(tuple(it.tokens.prompt), tuple(it.tokens.completion)): it.tokens for it in flat}
        scores = dict(zip(distinct, self.activations([*distinct.values()]) @ self.axis, strict=True))
        result: list[list[Rollout]] = []
        seen: list[tuple[Rollout, float]] = []
        for group in groups:
            own = [scores[tuple(it.tokens.prompt), tuple(it.tokens.completion)] for it in group]
            z = group_scores(torch.stack(own)) if group else torch.zeros(0)
            rewards = edited(torch.tensor([it.reward for it in group]).to(z), z, self.kind, self.alpha)
            result.append([replace(it, reward=float(reward)) for it, reward in zip(group, rewards, strict=True)])
            seen += zip(group, z.tolist(), strict=True)
        own_rows = [(it, z) for it, z in seen if not it.teacher]
        return result, {
            "z_of_hacks": mean([z for it, z in own_rows if it.hack]),
            "z_of_rest": mean([z for it, z in own_rows if not it.hack]),
            "lowered": mean([float(z > 0) for _, z in own_rows]),
            "frac_zero_std": mean([float(not has_contrast([it.reward for it in group])) for group in result]),
        }

    def activations(self, rows: Sequence[Tokens]) -> torch.Tensor:
        """(B, d_model): the streams after the blocks between the depths, averaged over blocks and each completion's tokens, of
        which each has one at least: the one that ends it."""
        found = []
        for start in range(0, len(rows), self.batch):
            batch = rows[start : start + self.batch]
            stream = residual(
                self.generator, [[*it.prompt, *it.completion] for it in batch], *self.depths
            )  # (B, L, d_model)
            ends = [(len(it.prompt), len(it.prompt) + len(it.completion)) for it in batch]
            found += [row[begin:end].mean(dim=0) for row, (begin, end) in zip(stream, ends, strict=True)]
        return torch.stack(found)
