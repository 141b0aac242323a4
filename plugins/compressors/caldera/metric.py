"""The error that a compression is judged by, E(D) = tr(D H Dᵀ), prepared once for all Linears that share an input."""

from __future__ import annotations

import torch

from harness.checkpoints.manifest import USUAL_DAMPING
from harness.errors import StageError
from harness_plugins.compressors.caldera.grid import Grid
from harness_plugins.compressors.caldera.ldlq import LDL, Rounded, factorise, sweep

# Fractions of the mean diagonal, tried in turn until Cholesky succeeds.
DAMPING_LADDER = (USUAL_DAMPING, 0.02, 0.05, 0.1)


class Metric:
    """H = I: plain squared error, rounding to nearest. The base class of the calibrated metric."""

    damping: float | None = None

    def apply(self, x: torch.Tensor) -> torch.Tensor:
        """x (k, n) -> x H (k, n)."""
        return x

    def diagonal(self) -> torch.Tensor | None:
        """(n,), or None when every column weighs the same."""
        return None

    def costs(self) -> torch.Tensor | None:
        """(n,) what a unit rounding error costs in each column once feedback makes up for it."""
        return None

    def error(self, difference: torch.Tensor) -> float:
        """E(D) of D (m, n), summed in float64."""
        return float((self.apply(difference) * difference).sum(dtype=torch.float64))

    def round(self, target: torch.Tensor, grid: Grid, step: torch.Tensor) -> Rounded:
        """`target` (m, n) on the grid with scales `step`, so that E is small."""
        codes = grid.encode(target, step)
        q = grid.decode(codes, step)
        return Rounded(codes, q, None, self.error(target - q))


class HessianMetric(Metric):
    """H = E[x xᵀ], normalised to mean diagonal 1 and damped; one Cholesky for every Linear and iteration."""

    def __init__(self, ldl: LDL) -> None:
        self.ldl = ldl
        self.damping = ldl.damping

    def apply(self, x: torch.Tensor) -> torch.Tensor:
        return x @ self.ldl.matrix

    def diagonal(self) -> torch.Tensor:
        return self.ldl.matrix.diagonal()

    def costs(self) -> torch.Tensor:
        return self.ldl.costs()

    def round(self, target: torch.Tensor, grid: Grid, step: torch.Tensor) -> Rounded:
        return sweep(target, self.ldl, grid, step)


def prepare(hessian: torch.Tensor | None) -> Metric:
    """The metric of a calibration Hessian (n, n), or of none.

    H is divided by its mean diagonal; then the dampings of DAMPING_LADDER are tried until it is positive definite, so
    that a singular one, or a column whose input is always zero, is damped and not dropped. Raises StageError on NaN or
    Inf, on an all-zero Hessian, and on one that the last damping does not cure.
    """
    if hessian is None:
        return Metric()
    if not bool(torch.isfinite(hessian).all()):
        raise StageError("the calibration Hessian holds NaN or Inf", "check the model's activations on this text")
    scale = hessian.diagonal().mean()
    if not float(scale) > 0:
        raise StageError("the calibration Hessian is zero: this layer's input never moved", "calibrate on other text")
    ldl = factorise((hessian + hessian.T) / (2 * scale), DAMPING_LADDER)
    if ldl is None:
        raise StageError(
            f"the calibration Hessian is not positive definite even with damping {DAMPING_LADDER[-1]}",
            "calibrate on more tokens",
        )
    return HessianMetric(ldl)
