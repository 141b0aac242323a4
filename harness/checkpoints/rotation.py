"""The incoherence rotation W → U W Vᵀ: random signs, then a block-diagonal Hadamard transform, from a seed alone.

U (m, m) and V (n, n) are orthogonal, so tr(D H Dᵀ) is unchanged when W and H are rotated together. The Hadamard blocks
are the largest power of two that divides the dimension, so every shape works: 3584 = 7 · 512, 172 = 43 · 4; an odd
dimension gets signs only. Nothing is stored but the seed. Source: QuIP# (arXiv 2402.04396), section 3, with blocks
instead of its table of Hadamard matrices.
"""

from __future__ import annotations

import torch


def rotate(weight: torch.Tensor, seed: int) -> torch.Tensor:
    """(m, n) -> U W Vᵀ (m, n)."""
    return rotate_outputs(rotate_inputs(weight, seed).T, seed).T


def unrotate(weight: torch.Tensor, seed: int) -> torch.Tensor:
    """(m, n) -> Uᵀ W V (m, n), the inverse of `rotate`."""
    half = unrotate_outputs(weight.T, seed).T
    return _signs(weight.shape[1], seed, "in", weight) * hadamard(half)


def rotate_inputs(activations: torch.Tensor, seed: int) -> torch.Tensor:
    """(…, n) -> each row x becomes V x: what a rotated Linear multiplies."""
    return hadamard(activations * _signs(activations.shape[-1], seed, "in", activations))


def rotate_outputs(outputs: torch.Tensor, seed: int) -> torch.Tensor:
    """(…, m) -> each row y becomes U y."""
    return hadamard(outputs * _signs(outputs.shape[-1], seed, "out", outputs))


def unrotate_outputs(outputs: torch.Tensor, seed: int) -> torch.Tensor:
    """(…, m) -> each row y becomes Uᵀ y: what follows a rotated Linear."""
    return _signs(outputs.shape[-1], seed, "out", outputs) * hadamard(outputs)


def rotate_hessian(hessian: torch.Tensor, seed: int) -> torch.Tensor:
    """(n, n) -> V H Vᵀ, the second moment of the rotated inputs."""
    return rotate_inputs(rotate_inputs(hessian, seed).T, seed)


def hadamard(x: torch.Tensor) -> torch.Tensor:
    """(…, d) -> the orthonormal block-diagonal Walsh–Hadamard transform of the last axis; its own inverse."""
    dim = x.shape[-1]
    block = dim & -dim  # largest power of two dividing dim
    y = x.reshape(-1, block)  # (… · d / block, block)
    width = 1
    while width < block:
        pairs = y.view(-1, block // (2 * width), 2, width)
        top, bottom = pairs[:, :, 0], pairs[:, :, 1]
        y = torch.stack((top + bottom, top - bottom), dim=2).view(-1, block)
        width *= 2
    return (y * block**-0.5).view(x.shape)


def _signs(dim: int, seed: int, side: str, like: torch.Tensor) -> torch.Tensor:
    """(dim,) of ±1, drawn on the CPU so that every device gets the same ones."""
    generator = torch.Generator().manual_seed(2 * seed + (side == "out"))
    bits = torch.randint(0, 2, (dim,), generator=generator)
    return (2 * bits - 1).to(device=like.device, dtype=like.dtype)
