"""CALDERA written down plainly, to measure the engine's speed against. Frozen: do not make it faster.

The textbook steps, one scale per matrix: L·R from a full SVD of A H^½ and H^−½, LDLQ column by column over the whole
matrix, then coordinate descent over all columns, `sweeps` times.
"""

from __future__ import annotations

import torch

STEP = {2: 0.9957, 3: 0.5860, 4: 0.3352}  # Gaussian-optimal step over standard deviation, mid-rise


def decompose(
    weight: torch.Tensor, hessian: torch.Tensor, bits: int, rank: int, iterations: int, sweeps: int
) -> tuple[torch.Tensor, float]:
    """Ŵ (m, n) and its relative error; `hessian` (n, n) damped, 16-bit factors, low rank first and last."""
    values, vectors = torch.linalg.eigh(hessian)
    root = vectors * values.sqrt() @ vectors.T
    inverse_root = vectors * values.rsqrt() @ vectors.T
    lower = torch.linalg.cholesky(hessian)
    unit_lower = lower / lower.diagonal()
    total = ((weight @ hessian) * weight).sum()
    q, low_rank = torch.zeros_like(weight), torch.zeros_like(weight)
    best, least = weight, float("inf")
    for iteration in range(iterations + 1):
        u, s, vh = torch.linalg.svd((weight - q) @ root, full_matrices=False)
        low_rank = (u[:, :rank]).half().float() @ ((s[:rank, None] * vh[:rank]) @ inverse_root).half().float()
        if iteration:
            difference = weight - q - low_rank
            error = float((((difference @ hessian) * difference).sum() / total).sqrt())
            if error < least:
                best, least = q + low_rank, error
        if iteration == iterations:
            return best, least
        target = weight - low_rank
        step = float((STEP[bits] * target.square().mean().sqrt()).half())
        q = torch.zeros_like(weight)
        for j in reversed(range(weight.shape[1])):
            fed = target[:, j] + (target[:, j + 1 :] - q[:, j + 1 :]) @ unit_lower[j + 1 :, j]
            q[:, j] = _round(fed, step, bits)
        for _ in range(sweeps):
            for j in reversed(range(weight.shape[1])):
                gradient = (target - q) @ hessian[:, j] / hessian[j, j]
                q[:, j] = _round(q[:, j] + gradient, step, bits)
    raise AssertionError("unreachable")


def _round(x: torch.Tensor, step: float, bits: int) -> torch.Tensor:
    offset = (2**bits - 1) / 2
    return (torch.round(x / step + offset).clamp(0, 2**bits - 1) - offset) * step
