"""The seeded test matrix on which the published CALDERA code was measured: outlier columns, row scales, a low-rank part."""

from __future__ import annotations

import numpy as np
import torch

CHECK_SUMS = {512: (-4.309526, 12.401835, 517.12, 117.47731), 1024: (9.203068, 24.168838, 1034.24, 213.229375)}


def recipe(n: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """W (n, n), H = XᵀX / 4n undamped (n, n), population H (n, n) of mean diagonal 1; float64, check sums asserted."""
    random = np.random.RandomState(1234 + n)
    mixing = (1 + np.arange(n))[:, None] ** -0.5 * random.randn(n, n) / np.sqrt(n)
    mixing[:, random.permutation(n)[: n // 64]] *= 8
    inputs = random.randn(4 * n, n) @ mixing
    weight = random.randn(n, n) * np.exp(0.3 * random.randn(n, 1))
    weight += 0.5 * (random.randn(n, 16) @ random.randn(16, n)) / 4
    weight *= 0.02
    hessian = inputs.T @ inputs / (4 * n)
    population = mixing.T @ mixing
    population /= np.diag(population).mean()
    damped = hessian / np.diag(hessian).mean() + 0.01 * np.eye(n)
    sums = (weight.sum(), np.linalg.norm(weight), np.trace(damped), np.linalg.norm(damped))
    np.testing.assert_allclose(sums, CHECK_SUMS[n], rtol=1e-6)
    return torch.from_numpy(weight), torch.from_numpy(hessian), torch.from_numpy(population)
