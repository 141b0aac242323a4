"""LoRA with one trained factor: y = W x + (B + B_hack) A x.

A (rank, n) is frozen with orthonormal rows, B (m, rank) starts at zero. With both factors trained, as in LoRA proper
(arXiv 2106.09685), one of them has no gradient at the start, so no direction could be extracted there, and the
correction would not be linear in what is trained, so that a quarantine could not simply be added.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from harness_plugins.trainers.adapters.linear import SharedBasisLinear


class LoraLinear(SharedBasisLinear):
    """r = m · rank coordinates B; the rank is at most n."""

    a: torch.Tensor  # (rank, n)

    def __init__(self, base: nn.Linear, rank: int, generator: torch.Generator) -> None:
        rank = min(rank, base.in_features)
        super().__init__(base, (base.out_features, rank))
        basis, _ = torch.linalg.qr(torch.randn(base.in_features, rank, generator=generator))  # (n, rank), orthonormal
        self.register_buffer("a", basis.T.contiguous().to(base.weight))  # (rank, n)

    def applied(self, x: torch.Tensor, coordinates: torch.Tensor) -> torch.Tensor:
        h = F.linear(x, self.a)  # (…, n) -> (…, rank)
        return F.linear(h, coordinates.to(x.dtype))  # (…, rank) -> (…, m)

    def expanded(self, coordinates: torch.Tensor) -> torch.Tensor:
        return coordinates @ self.a.float()  # (m, rank) @ (rank, n) -> (m, n)
