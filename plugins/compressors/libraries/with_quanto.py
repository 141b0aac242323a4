"""optimum-quanto's qint2, qint4 and qint8 weights (https://github.com/huggingface/optimum-quanto), its default optimizers.

The rounding is asked for as the operator that `quantize_weight` itself calls, because unpacking what that returns would
compile a C++ extension first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.contract import Decision, LinearShape
from harness_plugins.compressors.libraries.params import QuantoParams
from harness_plugins.compressors.libraries.weight_only import WeightOnly

if TYPE_CHECKING:
    import torch

    from harness.checkpoints.qlr import QuantMatrix


class Quanto(WeightOnly):
    params: QuantoParams

    def decide(self, linear: LinearShape) -> Decision:
        if self.params.bits == 8:
            return Decision(bits=8, group=linear.columns, grid="midtread")
        return Decision(bits=self.params.bits, group=self.params.group, grid="affine")

    def quantize(self, weight: torch.Tensor, decision: Decision) -> QuantMatrix:
        return _symmetric(weight, decision) if decision.bits == 8 else _affine(weight, decision)


def _symmetric(weight: torch.Tensor, decision: Decision) -> QuantMatrix:
    import torch
    from optimum.quanto import AbsmaxOptimizer, qint8, quantize_weight

    from harness.checkpoints.qlr import QuantMatrix

    scale = AbsmaxOptimizer()(weight, qtype=qint8, axis=0)  # (rows, 1)
    scale = torch.where(scale == 0, 1.0, scale)  # a row of zeros
    levels = quantize_weight(weight, qint8, axis=0, scale=scale, optimized=False)._data  # (rows, columns) int8
    codes = (levels.to(torch.int16) + 128).to(torch.uint8)
    return QuantMatrix(codes, scale.half(), 8, decision.group, decision.grid)


def _affine(weight: torch.Tensor, decision: Decision) -> QuantMatrix:
    """value = code · scale − shift, with scale and shift (rows · groups, 1)."""
    import torch
    from optimum.quanto import MaxOptimizer, qtypes

    from harness.checkpoints.qlr import QuantMatrix

    rows, columns = weight.shape
    qtype = qtypes[f"qint{decision.bits}"]
    scale, shift = MaxOptimizer()(weight, qtype=qtype, axis=0, group_size=decision.group)
    scale = torch.where(scale == 0, 1.0, scale)  # a group of equal values, which the shift alone holds
    codes = torch.ops.quanto.quantize_affine(
        weight, bits=decision.bits, axis=0, group_size=decision.group, scale=scale, shift=shift
    )
    return QuantMatrix(
        codes.reshape(rows, columns),
        scale.reshape(rows, -1).half(),
        decision.bits,
        decision.group,
        decision.grid,
        zeros=(shift / scale).reshape(rows, -1).half(),
    )
