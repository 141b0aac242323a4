"""Half-quadratic quantization (https://github.com/dropbox/hqq), as hqq's own `Quantizer` does it for one weight."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.contract import Decision, LinearShape
from harness_plugins.compressors.libraries.params import HqqParams
from harness_plugins.compressors.libraries.weight_only import WeightOnly

if TYPE_CHECKING:
    import torch

    from harness.checkpoints.qlr import QuantMatrix


class Hqq(WeightOnly):
    params: HqqParams

    def decide(self, linear: LinearShape) -> Decision:
        return Decision(bits=self.params.bits, group=self.params.group, grid="affine")

    def quantize(self, weight: torch.Tensor, decision: Decision) -> QuantMatrix:
        import torch
        from hqq.core.quantize import Quantizer

        from harness.checkpoints.qlr import QuantMatrix

        rows, columns = weight.shape
        codes, meta = Quantizer.quantize(  # codes (rows · groups, group), scale and zero (rows · groups, 1)
            weight,
            nbits=decision.bits,
            group_size=decision.group,
            axis=1,
            bitpack=False,
            compute_dtype=torch.float32,
            device=str(weight.device),
        )
        return QuantMatrix(
            codes.reshape(rows, columns).to(torch.uint8),
            meta["scale"].reshape(rows, -1).half(),
            decision.bits,
            decision.group,
            decision.grid,
            zeros=meta["zero"].reshape(rows, -1).half(),
        )
