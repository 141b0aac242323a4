"""Trusted directions: only what a step has in common with honest learning is kept (TDGA, arXiv 2605.25189).

Published: a short fine-tuning on clean data, ΔW of each matrix, its first K left singular vectors U and weights
α_i = σ_i / Σ σ; each gradient becomes U diag(α) Uᵀ G. Here the same in the adapter's coordinates: the gradients of the pairs'
clean sides take the place of ΔW, their right singular vectors V (K, r) that of U, and the *update* is projected, since Adam
would bring a projected gradient back to full length.

The weights sum to 1, so along each direction a step keeps 1/K of its length on average: an arm that does nothing but take
shorter steps would hack later, too. So it is read against two placebos: `haar`, random directions under the same weights, and
`length`, vanilla's step made as short as the kept part is.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from harness.errors import StageError
from harness_plugins.trainers.adapters.adapter import Vectors
from harness_plugins.trainers.directions import haar, module_generator, top_rows

_TINY = 1e-30


@dataclass(frozen=True)
class Trusted:
    """Per module, K directions with their weights; `length_alone`: only the length of the kept part is used."""

    directions: Vectors  # name -> V (K, r), rows orthonormal
    weights: Vectors  # name -> α (K,), summing to 1
    length_alone: bool = False


def trusted(clean: Vectors, k: int, placebo: str, seed: int, turn: int = 0) -> Trusted:
    """From the clean sides' gradients (P, r) of each module. Raises StageError where all of them are zero."""
    directions, weights = {}, {}
    for name, rows in clean.items():
        v, strength = top_rows(rows, k)
        if len(v):
            random = placebo == "haar"
            own = haar(len(v), v.shape[1], module_generator(seed, turn, name)).to(v) if random else v
            directions[name] = own.contiguous()  # one layout whether extracted or read back: the last bit depends on it
            weights[name] = strength / strength.sum()
    if not directions:
        raise StageError("the clean sides of the pairs have no gradient, so there is no direction to trust")
    return Trusted(directions, weights, placebo == "length")


def kept_part(whole: Vectors, found: Trusted) -> Vectors:
    """name -> Vᵀ diag(α) V d (r,) of each module's descent direction d (r,); zero where nothing is trusted."""
    kept = {}
    for name, d in whole.items():
        v = found.directions.get(name)
        kept[name] = torch.zeros_like(d) if v is None else (found.weights[name] * (v @ d)) @ v
    return kept


def as_short(whole: Vectors, kept: Vectors) -> Vectors:
    """The whole direction of each module, in the length of its kept part."""
    return {name: d * (kept[name].norm() / d.norm().clamp(min=_TINY)) for name, d in whole.items()}
