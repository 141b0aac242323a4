"""From paired gradients to hack directions, and the placebos that are needed to interpret what they do.

For each contrastive pair, D = G_hack − G_clean, the difference of two mean-NLL gradients, is the loss gradient of a
policy-gradient step with advantage +1 on the hack and −1 on the clean side. So a descent direction d with ⟨d, v⟩ > 0
moves towards the hack.

Shape notation, per module: P pairs, r coordinates, k directions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from harness.errors import StageError
from harness.store.hashing import key_of
from harness_plugins.trainers.adapters.adapter import Vectors

Method = Literal["svd", "mean_diff"]
Placebo = Literal["none", "haar", "shuffled", "clean"]
_RANK = 1e-5  # singular values below this share of the first are rounding errors with meaningless vectors


@dataclass(frozen=True)
class Recipe:
    """How directions are taken from D."""

    method: Method = "svd"
    k: int = 5
    tau: float = 0.0  # noise floor: drop rows with S_i / S_0 below it
    drop_bottom: float = 0.25  # share of all modules' rows that is dropped, the weakest first
    solve_orthogonal: int = 0  # directions of G_clean that are taken out of D beforehand
    held_out: int = 2  # pairs at the end that the directions are checked on and not made from


@dataclass(frozen=True)
class Directions:
    subspaces: Vectors  # name -> V (k, r), rows orthonormal; modules without any are left out
    agreement: float  # share of held-out (pair, module) with ⟨D, v₁⟩ > 0; chance is .5; nan without held-out pairs


def extract(hack: Vectors, clean: Vectors, recipe: Recipe) -> Directions:
    """Directions of every module from its gradients (P, r) on either side.

    Raises StageError if no module tells the two sides apart, or too few pairs are left to make directions from.
    """
    pairs = len(next(iter(hack.values())))
    used = pairs - recipe.held_out
    if used < 1:
        raise StageError(f"{pairs} pairs leave none to extract from with {recipe.held_out} held out", "add pairs")
    found: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}
    for name in hack:
        contrast = (hack[name] - clean[name])[:used]  # D (P, r)
        if recipe.solve_orthogonal:
            contrast = without(contrast, top_rows(clean[name][:used], recipe.solve_orthogonal)[0])
        v, strength = mean_row(contrast) if recipe.method == "mean_diff" else top_rows(contrast, recipe.k)
        strong = strength >= recipe.tau * strength[:1]
        if len(v):
            found[name] = orient(v[strong], contrast), strength[strong]
    subspaces = drop_weakest(found, recipe.drop_bottom)
    if not subspaces:
        raise StageError("the two sides of the pairs have the same gradients, so there is no direction between them")
    left = {name: (hack[name] - clean[name])[used:] for name in subspaces}
    return Directions(subspaces, agreement(left, subspaces))


def top_rows(matrix: torch.Tensor, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The first right singular vectors (≤ k, r) and singular values (≤ k,); fewer where the matrix has less rank."""
    _, s, vt = torch.linalg.svd(matrix.double(), full_matrices=False)
    rank = int((s > _RANK * s[0]).sum()) if s[0] > 0 else 0
    kept = min(k, rank)
    return vt[:kept].to(matrix.dtype), s[:kept].to(matrix.dtype)


def mean_row(contrast: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The mean of D as the only direction (1, r), with its length (1,); none where it is zero."""
    mean = contrast.mean(dim=0, keepdim=True)  # (1, r)
    length = mean.norm(dim=1)  # (1,)
    return (mean / length, length) if length > 0 else (mean[:0], length[:0])


def orient(v: torch.Tensor, contrast: torch.Tensor) -> torch.Tensor:
    """Orient each row so that most pairs have ⟨D, v⟩ > 0; a tie leaves it unchanged."""
    votes = (contrast @ v.T).sign().sum(dim=0)  # (k,)
    return torch.where(votes < 0, -1.0, 1.0).to(v)[:, None] * v


def without(contrast: torch.Tensor, basis: torch.Tensor) -> torch.Tensor:
    """D (P, r) with its part in the span of the basis's orthonormal rows (m, r) taken out."""
    return contrast - contrast @ basis.T @ basis


def drop_weakest(found: dict[str, tuple[torch.Tensor, torch.Tensor]], share: float) -> Vectors:
    """Drop the rows whose strength is below the quantile `share` of all modules' rows, and modules left without any."""
    if not found:
        return {}
    floor = torch.cat([strength for _, strength in found.values()]).quantile(share)
    kept = {name: v[strength >= floor] for name, (v, strength) in found.items()}
    return {name: v for name, v in kept.items() if len(v)}


def agreement(contrasts: Vectors, subspaces: Vectors) -> float:
    """Share of (pair, module) whose D (P, r) points along the module's first direction."""
    signs = [(contrasts[name] @ v[0] > 0).float() for name, v in subspaces.items()]  # each (P,)
    return float(torch.cat(signs).mean())


# ------------------------------------------------------------------------------------------------------------- placebos


def placebo(kind: Placebo, hack: Vectors, clean: Vectors, recipe: Recipe, seed: int, turn: int = 0) -> Directions:
    """Directions made like the real ones, but from less information.

    haar      random orthonormal rows, as many in each module as the real extraction keeps there; others at each `turn`,
              the number of the extraction, since the real ones move as well
    shuffled  the sides of each pair are swapped at random. A singular vector does not see the sign of a row, so the
              span under `svd` stays the real one and only its orientation is lost; under `mean_diff` the direction is
    clean     differences between honest completions of neighbouring pairs: content without a hack
    """
    if kind == "none":
        return extract(hack, clean, recipe)
    if kind == "haar":
        real = extract(hack, clean, recipe).subspaces
        random = {name: haar(len(v), v.shape[1], module_generator(seed, turn, name)).to(v) for name, v in real.items()}
        used = len(next(iter(hack.values()))) - recipe.held_out
        return Directions(random, agreement({name: (hack[name] - clean[name])[used:] for name in random}, random))
    if kind == "clean":
        return extract(clean, {name: rows.roll(1, dims=0) for name, rows in clean.items()}, recipe)
    swap = torch.rand(len(next(iter(hack.values()))), generator=torch.Generator().manual_seed(seed)) < 0.5  # (P,)
    return extract(*swapped(hack, clean, swap), recipe)


def swapped(hack: Vectors, clean: Vectors, swap: torch.Tensor) -> tuple[Vectors, Vectors]:
    """Both sides with the rows exchanged where `swap` (P,) says."""
    turned = {name: swap.to(rows.device)[:, None] for name, rows in hack.items()}
    first = {name: torch.where(turned[name], clean[name], hack[name]) for name in hack}
    second = {name: torch.where(turned[name], hack[name], clean[name]) for name in hack}
    return first, second


def module_generator(*parts: int | str) -> torch.Generator:
    """One stream for each (seed, turn, module): a module's directions do not depend on the other modules' draws."""
    return torch.Generator().manual_seed(int(key_of(parts)[:15], 16))


def haar(k: int, r: int, generator: torch.Generator) -> torch.Tensor:
    """k orthonormal rows (k, r), uniform over all such: QR with the signs of R's diagonal put right (Mezzadri 2007)."""
    q, triangle = torch.linalg.qr(torch.randn(r, k, generator=generator, dtype=torch.float64))  # (r, k)
    return (q * triangle.diagonal().sign()).T.contiguous()
