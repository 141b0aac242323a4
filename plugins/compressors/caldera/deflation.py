"""Rounding around a low-rank part that is yet to be fitted (GPTQ-intrinsic LoRA, arXiv 2606.01412, section 3).

With R = Vᵀ given, V (n, r) the leading eigenvectors of H, the best L follows from Q, and what then remains of a rounding
error D is min_L E(D − L Vᵀ) = tr(D S Dᵀ), S = H − H V (Vᵀ H V)⁻¹ Vᵀ H. So Q is rounded under S instead of H: errors that L
will take up cost nothing. The paper sweeps the n columns of [W 0] under [I V]ᵀ H [I V] and leaves the last r unrounded, which
is the same, S being that matrix's Schur complement.

Deviations: S alone is damped, by the usual share of its own mean diagonal; V is not quantized first; and L·R is then refitted
as a whole, so that R need not remain Vᵀ.
"""

from __future__ import annotations

import torch

from harness_plugins.compressors.caldera.ldlq import factorise
from harness_plugins.compressors.caldera.lowrank import principal
from harness_plugins.compressors.caldera.metric import DAMPING_LADDER, HessianMetric, Metric


def deflated(metric: Metric, rank: int) -> Metric:
    """The metric tr(D S Dᵀ) for a low-rank part of `rank`. Without a Hessian no direction leads: the metric itself, as where
    S cannot be damped to be positive definite."""
    if not isinstance(metric, HessianMetric):
        return metric
    hessian = metric.ldl.matrix
    leading = principal(torch.eye(len(hessian)).to(hessian), metric, rank)[:, :rank]  # V
    ldl = factorise(schur(hessian, leading), DAMPING_LADDER)
    return metric if ldl is None else HessianMetric(ldl)


def schur(hessian: torch.Tensor, directions: torch.Tensor) -> torch.Tensor:
    """S (n, n) of H (n, n) and V (n, r)."""
    pulled = hessian @ directions  # H V
    lower = torch.linalg.cholesky(directions.T @ pulled)
    half = torch.linalg.solve_triangular(lower, pulled.T, upper=False)  # (r, n): halfᵀ half = H V (Vᵀ H V)⁻¹ Vᵀ H
    return hessian - half.T @ half
