"""The smallest compressors that exercise everything around them: round to nearest, with an SVD of the residual."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from harness.checkpoints.qlr import QLR, QuantMatrix
from harness.contract import Compressor, Decision, Decisions, ModelShape, Params


class RTNParams(Params):
    bits: int = 4
    group: int = 64
    keep: str = ""  # Linears whose name contains it stay untouched
    rank: int = 0
    factor_bits: int = 16


def quantize(matrix: torch.Tensor, bits: int, group: int) -> QuantMatrix:
    """Round to nearest on a mid-rise grid that spans each group's largest magnitude; group 0 is the whole matrix."""
    rows, columns = matrix.shape
    if group == 0:
        scale = (matrix.abs().max() / (2**bits / 2)).half().view(1, 1)
        codes = (matrix / scale.float() + (2**bits - 1) / 2).round().clamp(0, 2**bits - 1)
        return QuantMatrix(codes.to(torch.uint8), scale, bits, group, "midrise")
    groups = -(-columns // group)
    padded = torch.zeros(rows, groups * group)
    padded[:, :columns] = matrix
    cells = padded.view(rows, groups, group)
    scales = (cells.abs().amax(-1) / (2**bits / 2)).clamp(min=1e-4).half()
    codes = (cells / scales.float().unsqueeze(-1) + (2**bits - 1) / 2).round().clamp(0, 2**bits - 1)
    return QuantMatrix(codes.view(rows, -1)[:, :columns].to(torch.uint8), scales, bits, group, "midrise")


class RTN(Compressor):
    """Round to nearest, then a truncated SVD of what is left."""

    calibrated = False
    params: RTNParams

    def plan(self, shape: ModelShape, measurements: object = None) -> Decisions:
        params = self.params
        decision = Decision(bits=params.bits, group=params.group, rank=params.rank, factor_bits=params.factor_bits)
        kept = {linear.name for linear in shape.linears if params.keep and params.keep in linear.name}
        return {linear.name: Decision() if linear.name in kept else decision for linear in shape.linears}

    def compress_linears(
        self, weights: Mapping[str, torch.Tensor], hessian: torch.Tensor | None, decisions: Mapping[str, Decision]
    ) -> dict[str, QLR]:
        return {name: self.one(weight, decisions[name]) for name, weight in weights.items()}

    def one(self, weight: torch.Tensor, decision: Decision) -> QLR:
        q = quantize(weight, decision.bits, decision.group)
        if not decision.rank:
            return QLR(decision, q)
        u, s, v = torch.linalg.svd(weight - q.dequantize(), full_matrices=False)
        left, right = (u * s)[:, : decision.rank].T, v[: decision.rank]
        if decision.factor_bits == 16:
            return QLR(decision, q, left.half(), right.half())
        width = decision.factor_group
        return QLR(
            decision, q, quantize(left, decision.factor_bits, width), quantize(right, decision.factor_bits, width)
        )


class CalibratedRTN(RTN):
    """The same, but it asks for Hessians and keeps what it was given: by the name of the group's first Linear, and
    weights by their own."""

    calibrated = True

    def __init__(self, params: RTNParams) -> None:
        super().__init__(params)
        self.hessians: dict[str, torch.Tensor] = {}
        self.weights: dict[str, torch.Tensor] = {}

    def compress_linears(
        self, weights: Mapping[str, torch.Tensor], hessian: torch.Tensor | None, decisions: Mapping[str, Decision]
    ) -> dict[str, QLR]:
        assert hessian is not None
        self.hessians[next(iter(weights))] = hessian.clone()
        self.weights |= {name: weight.clone() for name, weight in weights.items()}
        return super().compress_linears(weights, hessian, decisions)
