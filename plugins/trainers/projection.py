"""Hack directions as subspaces of each module's coordinates, and what happens to the part of a step that lies in them.

A direction d (r,) is a *descent* direction: coordinates move by −rate·d, as with a loss gradient. V (k, r) has orthonormal
rows, oriented so that ⟨d, v⟩ > 0 means the step is hack-ward. One call takes one accumulated gradient or one optimiser
step: relu(Σ g) is not Σ relu(g), so micro-batches must never be projected one by one.

With c = V d, the gate says which part of the span is removed, c' Vᵀ of it:
    one_sided  c' = relu(c): only what would move towards the hack
    no_gate    c' = c: the whole span
    reverse    c' = 2c: the step is reflected, away from the hack
One-sided gating rectifies noise: on a meaningless axis E[c − relu(c)] = −0.4 σ a step. So an arm is read against its
placebo, never against zero.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch

from harness_plugins.trainers.adapters.adapter import Vectors

Gate = Literal["one_sided", "no_gate", "reverse"]
FIRED = 1e-6  # cosine above which a module counts as touched
_TINY = 1e-30


@dataclass(frozen=True)
class Split:
    """A step in two parts. Without `preserve_magnitude` they add up to the whole step."""

    kept: Vectors
    removed: Vectors
    cos_in: float  # mean over modules of ‖relu(V d)‖ / ‖d‖ before
    cos_out: float  # and after; ≈ 0 under one_sided by construction, so no evidence of anything
    fired: float  # share of modules with a cosine above FIRED


def split(
    directions: Vectors, subspaces: Vectors, gate: Gate = "one_sided", *, preserve_magnitude: bool = False
) -> Split:
    """Take out of each module's direction what `gate` names; modules without a subspace pass whole.

    `preserve_magnitude` rescales what is kept to the length of the whole.
    """
    kept, removed = {}, {}
    before, after = [], []
    for name, whole in directions.items():
        v = subspaces.get(name)
        if v is None or not len(v):
            kept[name], removed[name] = whole, torch.zeros_like(whole)
            continue
        removed[name] = gate_coefficients(v @ whole, gate) @ v  # (k,) @ (k, r) -> (r,)
        rest = whole - removed[name]
        if preserve_magnitude:
            rest = rest * (whole.norm() / rest.norm().clamp(min=_TINY))
        kept[name] = rest
        before.append(positive_part(whole, v))
        after.append(positive_part(rest, v))
    return Split(kept, removed, _mean(before), _mean(after), _mean([float(cosine > FIRED) for cosine in before]))


def gate_coefficients(c: torch.Tensor, gate: Gate) -> torch.Tensor:
    """The part of the coefficients (k,) that is taken out."""
    if gate == "one_sided":
        return c.relu()
    return c if gate == "no_gate" else 2 * c


def positive_part(direction: torch.Tensor, v: torch.Tensor) -> float:
    """‖relu(V d)‖ / ‖d‖ in [0, 1]; 0 for a zero direction. The relu comes before the norm: in a signed sum, axes that
    move away from the hack would hide those that move towards it."""
    length = direction.norm()
    return float((v @ direction).relu().norm() / length) if length > 0 else 0.0


def measure(directions: Vectors, subspaces: Vectors) -> float:
    """Mean over the modules with a subspace of `positive_part`; nan where there is none."""
    return _mean([positive_part(directions[name], v) for name, v in subspaces.items() if len(v)])


def chance(subspaces: Vectors) -> float:
    """The cosine of directions that know nothing of V: root mean square √(k / 2r), averaged over modules."""
    return _mean([math.sqrt(len(v) / (2 * v.shape[1])) for v in subspaces.values() if len(v)])


def overlap(new: Vectors, old: Vectors) -> float:
    """Mean |⟨v_new, v_old⟩| of directions at the same place of the same module: 1 for unchanged subspaces."""
    shared = [(new[name], old[name]) for name in new if name in old]
    rows = [(a[: len(b)] * b[: len(a)]).sum(dim=1).abs() for a, b in shared]  # (k,)
    return _mean(torch.cat(rows).tolist()) if rows else math.nan


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else math.nan
