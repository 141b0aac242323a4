"""What calibration learns about a Linear's input: its second moments and, after compressed Linears, how far it has
drifted.

Let x be the input that the original model gives a Linear W and x' the one that the compressed prefix gives it. The least
squares fit of W x from x' is W E[x x'ᵀ] E[x' x'ᵀ]⁻¹. With H = E[x' x'ᵀ] and the drift D = E[(x − x') x'ᵀ] that is
W + W D H⁻¹, a correction that vanishes with the drift. Fitting to it rather than to W makes each Linear repair what those
before it have broken. (GPTAQ, arXiv 2504.02692, starts from the same objective; QEP, arXiv 2504.09629, takes the same
correction times an α in 0 … 1, so as not to fit to the calibration text.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from harness.checkpoints.blocked import add_inner
from harness.errors import ModelError

RIDGES = (0.01, 0.1, 1.0)  # of H's mean diagonal, tried in turn until Cholesky succeeds: pulls the fit towards W


class Hessian:
    """Weighted mean of x xᵀ over positions, accumulated in float32; `finish` ends it."""

    def __init__(self, columns: int, device: str) -> None:
        self.total = torch.zeros(columns, columns, device=device)
        self.weight = 0.0

    def add(self, x: torch.Tensor, weights: torch.Tensor) -> None:
        """x (B, T, n), weights (B, T)."""
        rows = _weighted(_rows(x), weights.sqrt())
        add_inner(self.total, rows, rows)
        self.weight += float(weights.sum())

    def finish(self, name: str) -> tuple[torch.Tensor, int]:
        """(H (n, n), number of dead columns). A column that is zero in every token gets 1 % of the mean diagonal, so
        that H is positive there and its weights are rounded on their own."""
        hessian = _mirror(self.total.div_(self.weight))  # in place: the largest is as big as a block
        if not bool(hessian.isfinite().all()):
            raise ModelError(f"the activations that enter {name} are not finite", "check the model's weights")
        diagonal = hessian.diagonal()
        dead = diagonal == 0
        live = float(diagonal[~dead].mean()) if bool((~dead).any()) else 100.0
        diagonal[dead] = 0.01 * live
        return hessian, int(dead.sum())


class Drift:
    """Weighted mean of (x − x') x'ᵀ over positions, x from the original model and x' from the compressed prefix."""

    def __init__(self, columns: int, device: str) -> None:
        self.total = torch.zeros(columns, columns, device=device)
        self.weight = 0.0

    def add(self, original: torch.Tensor, seen: torch.Tensor, weights: torch.Tensor) -> None:
        """original, seen (B, T, n), weights (B, T)."""
        rows = _rows(seen)
        add_inner(self.total, _weighted(_rows(original) - rows, weights), rows)
        self.weight += float(weights.sum())

    def finish(self) -> torch.Tensor:
        """(n, n)."""
        return self.total.div_(self.weight)


def _mirror(lower: torch.Tensor, step: int = 512) -> torch.Tensor:
    """Copy what lies below the diagonal above it, where it may differ in the last digit, in place, by blocks of rows."""
    for start in range(0, len(lower), step):
        end = start + step
        square = lower[start:end, start:end]
        square.copy_(square.tril() + square.tril(-1).T)
        lower[start:end, end:] = lower[end:, start:end].T
    return lower


def _rows(x: torch.Tensor) -> torch.Tensor:
    """(B, T, n) -> (B T, n) float32."""
    return x.flatten(0, 1).float()


def _weighted(rows: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Each row times its weight; nothing is copied where all weigh 1."""
    return rows if bool((weights == 1).all()) else rows * weights.reshape(-1, 1)


@dataclass
class InputStatistics:
    """What calibration knows about the input of one input group."""

    hessian: torch.Tensor  # (n, n), finished
    dead_columns: int
    drift: torch.Tensor | None = None  # (n, n), None: fit to W as it is

    def targets(self, weights: dict[str, torch.Tensor], share: Mapping[str, float]) -> dict[str, torch.Tensor]:
        """Name -> (m, n) of what the compressed Linear should be close to in this Hessian's metric; `share`: α of each."""
        if self.drift is None or not bool(self.drift.any()):
            return weights
        factor = ridged_cholesky(self.hessian)
        return {
            name: weight + share[name] * torch.cholesky_solve((weight @ self.drift).T, factor).T
            for name, weight in weights.items()
        }


def ridged_cholesky(hessian: torch.Tensor) -> torch.Tensor:
    """Lower factor of H + λ I, λ the least of RIDGES times the mean diagonal under which it is positive definite."""
    for ridge in RIDGES:
        damped = hessian.clone()
        damped.diagonal().add_(ridge * hessian.diagonal().mean())
        lower, failed = torch.linalg.cholesky_ex(damped)
        if not int(failed):
            return lower
    raise ModelError("the second moments of a Linear's input are not positive definite", "calibrate on more tokens")
