"""What libraries that quantize each weight by itself have in common: they return codes, scales and perhaps zero points.

The library decides every code; streaming, packing, resume, exact sizes and loading are then those of any artefact, so
that sampling needs neither the library nor its kernels. Values differ from the library's own only by the rounding of
scales and zero points to float16, which is what it stores itself for a model in half precision.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.contract import Compressor, Decision, Decisions, Hessian, LinearShape, ModelShape, Weights
from harness.errors import UsageError

if TYPE_CHECKING:
    import torch

    from harness.checkpoints.qlr import QLR, QuantMatrix


class WeightOnly(Compressor):
    calibrated = False

    def decide(self, linear: LinearShape) -> Decision:
        """How the library will store one Linear."""
        raise NotImplementedError

    def quantize(self, weight: torch.Tensor, decision: Decision) -> QuantMatrix:
        """The library's work on one (rows, columns) float32 weight."""
        raise NotImplementedError

    def plan(self, shape: ModelShape, measurements: Any = None) -> Decisions:
        decisions = {linear.name: self.decide(linear) for linear in shape.linears}
        for linear in shape.linears:
            group = decisions[linear.name].group
            if linear.columns % group:
                raise UsageError(
                    f"{linear.name} has {linear.columns} columns, which groups of {group} do not divide",
                    "set the compressor's group to a divisor, with -P NAME.group=…",
                )
        return decisions

    def compress_linears(self, weights: Weights, hessian: Hessian, decisions: Decisions) -> dict[str, QLR]:
        from harness.checkpoints.qlr import QLR

        compressed = {}
        for name, weight in weights.items():
            q = self.quantize(weight, decisions[name])
            error = (q.dequantize() - weight).norm() / weight.norm().clamp(min=1e-12)
            compressed[name] = QLR(decisions[name], q, error=float(error))
        return compressed
