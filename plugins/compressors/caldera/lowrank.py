"""The low-rank step: L·R that minimises E(A − L R), with 16-bit or quantized factors.

For any H = C Cᵀ the best rank-r approximation of A C is U_r U_rᵀ A C, so L = U_r, R = U_rᵀ A, where U_r spans the top r
eigenvectors of A H Aᵀ: neither H^½ nor its inverse is ever formed.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from harness.checkpoints.qlr import Factor, QuantMatrix, dense
from harness.errors import StageError
from harness_plugins.compressors.caldera.grid import Grid
from harness_plugins.compressors.caldera.ldlq import LDL, factorise, sweep
from harness_plugins.compressors.caldera.metric import Metric

OVERSAMPLING = 16  # extra directions of the subspace iteration (Halko, Martinsson & Tropp 2011)
COLD_PASSES, WARM_PASSES = 6, 2  # subspace iterations from noise, and from the previous iterate's directions
RELATIVE_GAIN = 1e-3  # a round of alternating least squares that gains less ends the loop
FACTOR_LADDER = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)  # damping of the r × r normal equations


@dataclass
class Factors:
    """Lᵀ (r, m) and R (r, n) as they are stored."""

    left: Factor
    right: Factor

    def product(self) -> torch.Tensor:
        """L·R (m, n)."""
        left, right = self.dense()
        return left @ right

    def dense(self) -> tuple[torch.Tensor, torch.Tensor]:
        """L (m, r), R (r, n) float32."""
        return dense(self.left).T, dense(self.right)


def principal(a: torch.Tensor, metric: Metric, rank: int, guess: torch.Tensor | None = None) -> torch.Tensor:
    """(m, p) orthonormal, best directions first, p ≥ rank: the top eigenvectors of A H Aᵀ by subspace iteration."""
    width = min(rank + OVERSAMPLING, a.shape[0])
    if guess is None:
        generator = torch.Generator().manual_seed(0)
        guess = torch.randn(a.shape[0], width, generator=generator).to(a)
        passes = COLD_PASSES
    else:
        passes = WARM_PASSES
    basis = guess
    for _ in range(passes):
        basis, _ = torch.linalg.qr(a @ metric.apply(basis.T @ a).T)  # A H Aᵀ x
    projected = basis.T @ a  # (p, n)
    ritz = metric.apply(projected) @ projected.T  # (p, p)
    _, vectors = torch.linalg.eigh((ritz + ritz.T) / 2)
    return basis @ vectors.flip(1)


def energies(a: torch.Tensor, metric: Metric, basis: torch.Tensor) -> torch.Tensor:
    """(p,) uᵀ A H Aᵀ u of each column u of `basis` (m, p): how much of E(A) that direction holds."""
    projected = basis.T @ a  # (p, n)
    return (metric.apply(projected) * projected).sum(dim=1)


def balanced(a: torch.Tensor, basis: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """L (m, r) and R (r, n) with L R = U Uᵀ A, column k of L and row k of R of equal root-mean-square."""
    right = basis.T @ a
    rms = right.square().mean(dim=1).sqrt().clamp_min(torch.finfo(a.dtype).tiny)
    balance = (rms * a.shape[0] ** 0.5).sqrt()  # columns of U have root-mean-square m^-½
    return basis * balance, right / balance[:, None]


def sixteen_bit(left: torch.Tensor, right: torch.Tensor) -> Factors:
    return Factors(left.T.contiguous().half(), right.half())


def change(metric: Metric, left: torch.Tensor, right: torch.Tensor, a: torch.Tensor) -> float:
    """E(A − L R) − E(A) = tr(L (R H Rᵀ) Lᵀ) − 2 tr(L R H Aᵀ): of thin matrices, where E(A − L R) takes (m, n) × (n, n)."""
    weighted = metric.apply(right)  # R H (r, n)
    return _change(left, weighted @ right.T, weighted @ a.T)


def _change(left: torch.Tensor, gram: torch.Tensor, pull: torch.Tensor) -> float:
    """The same from L (m, r), R H Rᵀ (r, r) and R H Aᵀ (r, m), summed in float64."""
    return float((gram * (left.T @ left)).sum(dtype=torch.float64) - 2 * (pull * left.T).sum(dtype=torch.float64))


def alternate(
    a: torch.Tensor,
    energy: float,
    metric: Metric,
    right: torch.Tensor,
    grid: Grid,
    rounds: int,
    last: Factors | None = None,
) -> tuple[Factors, float]:
    """Quantized factors by alternating least squares from R (r, n), and E(A − L R); `energy` is E(A).

    The best round is kept. At most `rounds`, fewer once a round gains less than RELATIVE_GAIN. Each factor is solved for
    given the other and rounded with LDLQ against the Hessian of its own problem: R H Rᵀ for L, H for R. `last`: the
    factors that R comes from, whose scales are then refined.
    """
    near_left, near_right = (_scales(last.left), _scales(last.right)) if last else (None, None)
    best, least = None, float("inf")
    weighted = metric.apply(right)  # R H (r, n)
    gram, pull = weighted @ right.T, weighted @ a.T  # R H Rᵀ (r, r), R H Aᵀ (r, m)
    for _ in range(rounds):
        normal = _definite(gram)
        target = _solve(normal, pull)  # Lᵀ (r, m)
        near_left = grid.search_scales(target, near=near_left)
        step = grid.expand(near_left, target.shape[1])
        rounded = sweep(target.T, normal, grid, step.T)
        lefts, left = grid.store(rounded.codes.T, near_left), rounded.q
        target = _solve(_definite(left.T @ left), left.T @ a)  # R (r, n): H cancels where it is positive definite
        near_right = grid.search_scales(target, metric.diagonal(), near_right)
        rounded = metric.round(target, grid, grid.expand(near_right, target.shape[1]))
        rights, right = grid.store(rounded.codes, near_right), rounded.q
        weighted = metric.apply(right)
        gram, pull = weighted @ right.T, weighted @ a.T
        error = energy + _change(left, gram, pull)
        settled = error > least * (1 - RELATIVE_GAIN)
        if best is None or error < least:
            best, least = Factors(lefts, rights), error
        if settled:
            break
    assert best is not None
    return best, least


def _scales(factor: Factor) -> torch.Tensor | None:
    return factor.scales if isinstance(factor, QuantMatrix) else None


def nearest(left: torch.Tensor, right: torch.Tensor, grid: Grid) -> Factors:
    """L (m, r) and R (r, n) rounded as they are, scaled by their largest magnitude."""
    return Factors(*(grid.nearest(x, grid.absmax_scales(x, symmetric=True)) for x in (left.T, right)))


def _definite(gram: torch.Tensor) -> LDL:
    """LDL of an r × r Gram matrix; directions that A does not fill are damped."""
    if not float(gram.diagonal().mean()) > 0:
        gram = torch.eye(len(gram)).to(gram)
    ldl = factorise(gram, FACTOR_LADDER)
    if ldl is None:
        raise StageError("the low-rank factors became degenerate", "lower the rank")
    return ldl


def _solve(normal: LDL, right: torch.Tensor) -> torch.Tensor:
    return torch.linalg.solve(normal.matrix, right)
