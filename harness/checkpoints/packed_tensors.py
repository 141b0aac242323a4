"""One Linear as tensors of a safetensors file: packed codes, fp16 scales, and the factors L and R in the same form.

A Linear `NAME` of (m, n) = (out_features, in_features) is stored as

    NAME.q_codes   uint8   (m, ⌈n·b/8⌉)     NAME.q_scales  float16 (m, ⌈n/g⌉) or (1, 1)
    NAME.l_codes   uint8   (r, ⌈m·f/8⌉)     NAME.l_scales  float16 (r, ⌈m/h⌉) or (1, 1)     Lᵀ
    NAME.r_codes   uint8   (r, ⌈n·f/8⌉)     NAME.r_scales  float16 (r, ⌈n/h⌉) or (1, 1)     R

with b, g, r, f, h the Decision's bits, group, rank, factor_bits and factor_group; 16-bit factors are float16
`NAME.l_codes` and `NAME.r_codes` without scales. On the grid "affine" `NAME.q_zeros` lies beside `NAME.q_scales`. One that
borrows has no R of its own. The bias, where there is one, keeps its name and bytes.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from harness.checkpoints.packing import pack, packed_width, unpack
from harness.checkpoints.qlr import QLR, Factor, QuantMatrix
from harness.contract import Decision
from harness.contract.compression import CompressedLinear
from harness.errors import PluginError

BLAME = "a bug in the compressor"


def layout(decision: Decision, rows: int, columns: int) -> dict[str, tuple[tuple[int, ...], torch.dtype]]:
    """Suffix -> (shape, dtype) of every tensor that stores a (rows, columns) Linear under `decision`."""
    sizes = {"q": (rows, columns, decision.bits, decision.group)}
    if decision.rank:
        sizes["l"] = (decision.rank, rows, decision.factor_bits, decision.factor_group)
    if decision.rank and not decision.borrows:
        sizes["r"] = (decision.rank, columns, decision.factor_bits, decision.factor_group)
    tensors: dict[str, tuple[tuple[int, ...], torch.dtype]] = {}
    for part, (height, width, bits, group) in sizes.items():
        if bits >= 16:
            tensors[f"{part}_codes"] = ((height, width), torch.float16)
            continue
        tensors[f"{part}_codes"] = ((height, packed_width(width, bits)), torch.uint8)
        tensors[f"{part}_scales"] = ((height, -(-width // group)) if group else (1, 1), torch.float16)
    if decision.grid == "affine":
        tensors["q_zeros"] = tensors["q_scales"]
    return tensors


def to_tensors(linear: CompressedLinear, rows: int, columns: int) -> dict[str, torch.Tensor]:
    """Suffix -> tensor, as `layout` says.

    Raises:
        PluginError: what the compressor returned is not what its decision promised.
    """
    decision = linear.decision
    promised: dict[str, tuple[Factor | None, int, int]] = {"q": (linear.q, columns, decision.bits)}
    if decision.rank:
        promised["l"] = (linear.left, rows, decision.factor_bits)
    if decision.rank and not decision.borrows:
        promised["r"] = (linear.right, columns, decision.factor_bits)
    tensors: dict[str, torch.Tensor] = {}
    for part, (factor, width, bits) in promised.items():
        if isinstance(factor, QuantMatrix):
            if (factor.codes.shape[1], factor.bits, factor.grid) != (width, bits, decision.grid):
                raise PluginError(f"{part} is not the {width} columns of {bits} bits that its decision means", BLAME)
            tensors[f"{part}_codes"] = pack(factor.codes, factor.bits).cpu()
            tensors[f"{part}_scales"] = factor.scales.to(torch.float16).cpu().contiguous()
            if factor.zeros is not None:
                tensors[f"{part}_zeros"] = factor.zeros.to(torch.float16).cpu().contiguous()
        elif factor is not None:
            tensors[f"{part}_codes"] = factor.to(torch.float16).cpu().contiguous()
    expected = layout(decision, rows, columns)
    got = {suffix: (tuple(tensor.shape), tensor.dtype) for suffix, tensor in tensors.items()}
    if got != expected:
        raise PluginError(f"the compressor returned {got} where its decision means {expected}", BLAME)
    if (linear.seed is not None) != decision.rotate:
        raise PluginError("the compressor's rotation seed contradicts its decision", BLAME)
    for suffix, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise PluginError(f"{suffix} exceeds the float16 range", "weights of this size cannot be stored")
    return tensors


def parts_of(tensors: Mapping[str, torch.Tensor], name: str, lender: str | None = None) -> dict[str, torch.Tensor]:
    """Suffix -> tensor of the Linear `name`, with R of the Linear that lends it one."""
    found = {key.removeprefix(f"{name}."): tensor for key, tensor in tensors.items() if key.startswith(f"{name}.")}
    if lender:
        found |= lent(parts_of(tensors, lender))
    return found


def lent(parts: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """What of a lender's tensors its borrowers use."""
    return {suffix: tensor for suffix, tensor in parts.items() if suffix.startswith("r_")}


def from_tensors(
    tensors: Mapping[str, torch.Tensor], decision: Decision, rows: int, columns: int, seed: int | None = None
) -> QLR:
    """The inverse of `to_tensors`; works on any device. Who borrows needs the lender's R among the tensors: `parts_of`."""

    def factor(part: str, width: int) -> Factor:
        codes = tensors[f"{part}_codes"]
        if decision.factor_bits >= 16:
            return codes
        scales, bits = tensors[f"{part}_scales"], decision.factor_bits
        return QuantMatrix(unpack(codes, bits, width), scales, bits, decision.factor_group, decision.grid)

    codes = unpack(tensors["q_codes"], decision.bits, columns)
    zeros = tensors["q_zeros"] if decision.grid == "affine" else None
    q = QuantMatrix(codes, tensors["q_scales"], decision.bits, decision.group, decision.grid, zeros)
    if not decision.rank:
        return QLR(decision, q, seed=seed)
    return QLR(decision, q, factor("l", rows), factor("r", columns), seed)
