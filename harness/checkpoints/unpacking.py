"""From packed codes to a weight, for every call of a Linear that stays packed.

Unpacking is a dozen element-wise passes over the weight when run as written. On CUDA torch.compile fuses them into one
kernel, which reads b bits and writes one element per weight. Elsewhere, or if no kernel can be compiled, the same
function runs uncompiled. A kernel is trusted only after its first result for a shape has been compared with the
uncompiled one: torch 2.13's C++ backend was seen to return garbage for the last columns of an 8-bit matrix of 172.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache

import torch

from harness.checkpoints.packing import unpack
from harness.checkpoints.qlr import QuantMatrix

KERNELS = 256  # distinct (shape, bits, group) that one process may compile; torch would give up at 8


def unpacked(
    codes: torch.Tensor,
    scales: torch.Tensor,
    zeros: torch.Tensor | None,
    bits: int,
    group: int,
    grid: str,
    columns: int,
    dtype: torch.dtype,
) -> torch.Tensor:
    """Packed (m, ⌈n·b/8⌉) uint8 codes, float32 scales and zeros -> (m, n) of `dtype`, computed in float32."""
    return QuantMatrix(unpack(codes, bits, columns), scales, bits, group, grid, zeros).dequantize().to(dtype)


Unpack = Callable[..., torch.Tensor]


def unpack_on(device: torch.device) -> Unpack:
    """The function that unpacks on that device."""
    return fused() if device.type == "cuda" else unpacked


@cache
def fused(backend: str = "inductor") -> Unpack:
    """`unpacked`, compiled; from the first failed call on, uncompiled, with one warning."""
    torch._dynamo.config.recompile_limit = max(torch._dynamo.config.recompile_limit, KERNELS)
    compiled: Unpack | None = torch.compile(unpacked, fullgraph=True, dynamic=False, backend=backend)
    believed: set[tuple[object, ...]] = set()

    def give_up(cause: str) -> None:
        nonlocal compiled
        compiled = None
        warnings.warn(f"packed layers are unpacked without a fused kernel, slowly: {cause}", stacklevel=3)

    def run(codes: torch.Tensor, *rest: object) -> torch.Tensor:
        if compiled is None:
            return unpacked(codes, *rest)  # type: ignore[arg-type]
        try:
            result = compiled(codes, *rest)
        except Exception as error:  # a missing compiler or Triton raises errors of many kinds
            give_up(str(error).strip().splitlines()[0])
            return unpacked(codes, *rest)  # type: ignore[arg-type]
        shape = (codes.device, codes.shape, *rest[2:])
        if shape not in believed:
            plain = unpacked(codes, *rest)  # type: ignore[arg-type]
            if not torch.allclose(result, plain, rtol=1e-2, atol=0):
                give_up("the compiled one computes something else")
                return plain
            believed.add(shape)
        return result

    return run
