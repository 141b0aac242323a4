"""W ≈ Q + L·R as tensors: the generic compressed form of one Linear, whatever algorithm produced it.

Shapes: W (m, n) = (out_features, in_features); Q (m, n); L (m, r); R (r, n). Factors are held with their long axis last
(Lᵀ (r, m) and R (r, n)), so that one grid, one packer and one scale layout serve Q, L and R alike.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from harness.checkpoints.rotation import unrotate
from harness.contract import Decision


def code_offset(bits: int, grid: str) -> float:
    """The code that means zero: mid-rise grids are ±½, ±3/2, … steps; mid-tread grids are −2^(b−1) … 2^(b−1)−1."""
    return (2**bits - 1) / 2 if grid == "midrise" else float(2 ** (bits - 1))


@dataclass
class QuantMatrix:
    """A (rows, columns) matrix on a uniform scalar grid: value = (code − offset) · scale.

    The grid fixes the offset; on the grid "affine" it is `zeros`, one per scale.
    """

    codes: torch.Tensor  # (rows, columns) uint8, 0 … 2^bits − 1
    scales: torch.Tensor  # (rows, ceil(columns / group)) float16, or (1, 1) when group = 0
    bits: int
    group: int
    grid: str
    zeros: torch.Tensor | None = None  # like `scales`, in steps; only on the grid "affine"

    def dequantize(self) -> torch.Tensor:
        """(rows, columns) float32."""
        offset = code_offset(self.bits, self.grid) if self.zeros is None else self._wide(self.zeros)
        return (self.codes.float() - offset) * self._wide(self.scales)

    def _wide(self, values: torch.Tensor) -> torch.Tensor:
        if not self.group:
            return values.float()
        columns = self.codes.shape[1]
        return values.float().repeat_interleave(self.group, dim=1)[:, :columns]  # (rows, groups) -> (rows, columns)


Factor = QuantMatrix | torch.Tensor  # a 16-bit factor is a plain float16 tensor


def dense(factor: Factor) -> torch.Tensor:
    return factor.dequantize() if isinstance(factor, QuantMatrix) else factor.float()


@dataclass
class QLR:
    """One compressed Linear. `error` is sqrt(tr(D H Dᵀ) / tr(W H Wᵀ)) with D = W − Ŵ; `trace` its history by half-step;
    `damping` the fraction of H's mean diagonal that was added to H, None if unknown, or if nothing was added; `start` names
    the low-rank part that the iteration began with."""

    decision: Decision
    q: QuantMatrix
    left: Factor | None = None  # Lᵀ (r, m)
    right: Factor | None = None  # R (r, n)
    seed: int | None = None  # of the incoherence rotation; None = not rotated
    error: float | None = None
    trace: list[float] = field(default_factory=list)
    damping: float | None = None
    start: str | None = None

    def dequantize(self) -> torch.Tensor:
        """Ŵ (m, n) float32, in the original (unrotated) basis."""
        weight = self.q.dequantize()
        if self.left is not None and self.right is not None:
            weight = weight + dense(self.left).T @ dense(self.right)  # (m, r) @ (r, n) -> (m, n)
        return weight if self.seed is None else unrotate(weight, self.seed)
