"""LDLQ (QuIP, arXiv 2307.13304; the same sweep as GPTQ, arXiv 2210.17323), blocked so that the work is in GEMMs.

With H = U diag(d) Uᵀ, U unit lower triangular, E(A − Q) = tr((A − Q) H (A − Q)ᵀ) = Σ_j d_j ‖((A − Q) U)_j‖². Rounding
column j of A_j + Σ_{k>j} (A_k − Q_k) U_kj, from the last column to the first, leaves each term a plain rounding error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from harness_plugins.compressors.caldera.grid import Grid, reciprocal

BLOCK = 128  # columns swept one by one before their errors reach the rest in one matrix product


@dataclass
class LDL:
    """P H Pᵀ = U diag(d) Uᵀ of a damped H (n, n).

    `order` sorts columns by ascending diagonal, so that the sweep, which goes from the last to the first, rounds the
    heaviest columns while all others can still compensate for them (GPTQ's "act-order"; free with static scales).
    """

    matrix: torch.Tensor  # H + damping (n, n), in its own order
    order: torch.Tensor  # (n,) int64: the column at each position
    unit_lower: torch.Tensor  # U (n, n), in `order`
    pivots: torch.Tensor  # d (n,), in `order`: what a unit rounding error costs in each column
    damping: float  # fraction of the mean diagonal that was added

    def costs(self) -> torch.Tensor:
        """(n,) the pivots, in the matrix's own order."""
        return torch.empty_like(self.pivots).scatter_(0, self.order, self.pivots)


def factorise(matrix: torch.Tensor, ladder: Sequence[float]) -> LDL | None:
    """LDL of a symmetric matrix with the first damping of `ladder` under which it is positive definite, else None."""
    order = torch.argsort(matrix.diagonal(), stable=True)
    mean = matrix.diagonal().mean()
    for damping in ladder:
        damped = matrix.clone()
        damped.diagonal().add_(damping * mean)
        lower, failed = torch.linalg.cholesky_ex(damped[order][:, order])
        if not int(failed):
            diagonal = lower.diagonal().clone()
            return LDL(damped, order, lower / diagonal, diagonal.square(), damping)
    return None


@dataclass
class Rounded:
    """What a sweep leaves behind: the codes, what they decode to, and what that costs."""

    codes: torch.Tensor  # (m, n), as floats
    q: torch.Tensor  # (m, n)
    feedback: torch.Tensor | None  # (m, n) Σ_{k>j} (A_k − Q_k) U_kj: what was added to A before it was rounded
    cost: float  # E(A − Q)


def sweep(target: torch.Tensor, ldl: LDL, grid: Grid, step: torch.Tensor) -> Rounded:
    """Round `target` A (m, n); `step` is the scale of every entry, broadcastable to (m, n)."""
    order, unit_lower = ldl.order, ldl.unit_lower
    count = len(order)
    a = target.T[order]  # (n, m): columns become contiguous rows
    steps = step.expand_as(target).T[order] if step.numel() > 1 else step.expand(count, 1)
    inverses = reciprocal(steps)
    lowest = torch.addcmul(
        a, steps, torch.ones_like(steps), value=grid.offset
    )  # A + offset · step: A − Q = this − code · step
    offset = torch.tensor(grid.offset, device=a.device)
    fed, codes, error = (
        torch.empty_like(a),
        torch.empty_like(a),
        torch.zeros_like(a),
    )  # error: A − Q of the columns done
    # views of each row; slicing anew in every step would double the loop's cost
    rows = list(zip(fed, lowest, steps, inverses, codes, error, strict=True))
    for start in reversed(range(0, count, BLOCK)):
        stop = min(start + BLOCK, count)
        torch.addmm(a[start:stop], unit_lower[stop:, start:stop].T, error[stop:], out=fed[start:stop])
        for i in reversed(range(start, stop)):
            fed_i, lowest_i, step_i, inverse_i, code_i, error_i = rows[i]
            fed_i.addmv_(error[i + 1 : stop].T, unit_lower[i + 1 : stop, i])
            torch.addcmul(offset, fed_i, inverse_i, out=code_i).round_().clamp_(0, grid.top)
            torch.addcmul(lowest_i, code_i, step_i, value=-1, out=error_i)
    cost = (fed - a + error).square_().sum(dim=1, dtype=torch.float64) @ ldl.pivots.double()
    back = torch.empty_like(order).scatter_(0, order, torch.arange(count, device=order.device))
    q, fed = (x[back].T for x in (a - error, fed - a))
    return Rounded(codes[back].T, q, fed, float(cost))
