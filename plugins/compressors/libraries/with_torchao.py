"""torchao's weight-only integers (https://github.com/pytorch/ao): `quantize_` with an IntxWeightOnlyConfig."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.contract import Decision, LinearShape
from harness_plugins.compressors.libraries.params import TorchaoParams
from harness_plugins.compressors.libraries.weight_only import WeightOnly

if TYPE_CHECKING:
    import torch

    from harness.checkpoints.qlr import QuantMatrix


class Torchao(WeightOnly):
    params: TorchaoParams

    def decide(self, linear: LinearShape) -> Decision:
        return Decision(bits=self.params.bits, group=self.params.group or linear.columns, grid="midtread")

    def quantize(self, weight: torch.Tensor, decision: Decision) -> QuantMatrix:
        import torch
        from torch import nn
        from torchao.quantization import IntxWeightOnlyConfig, quantize_
        from torchao.quantization.granularity import PerGroup

        from harness.checkpoints.qlr import QuantMatrix

        rows, columns = weight.shape
        linear = nn.Linear(columns, rows, bias=False, device="meta")
        linear.weight = nn.Parameter(weight, requires_grad=False)
        integer = getattr(torch, f"int{decision.bits}")
        quantize_(linear, IntxWeightOnlyConfig(weight_dtype=integer, granularity=PerGroup(decision.group)))
        quantized: Any = linear.weight  # .qdata (rows, columns) int8, .scale (rows, groups)
        codes = (quantized.qdata.to(torch.int16) + 2 ** (decision.bits - 1)).to(torch.uint8)
        return QuantMatrix(codes, quantized.scale.half(), decision.bits, decision.group, decision.grid)
