"""Round to nearest on the full signed grid −2^(b−1) … 2^(b−1)−1, scale = largest magnitude of the group / 2^(b−1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from harness.contract import Compressor, Decision, Decisions, Hessian, ModelShape, Params, Weights

if TYPE_CHECKING:
    from harness.checkpoints.qlr import QLR


class RtnParams(Params):
    """`group` columns of a row share one fp16 scale; 0 is one scale per matrix."""

    bits: int = Field(4, ge=2, le=8)
    group: int = Field(64, ge=0)


class Rtn(Compressor):
    calibrated = False
    params: RtnParams

    def plan(self, shape: ModelShape, measurements: Any = None) -> Decisions:
        decision = Decision(bits=self.params.bits, group=self.params.group, grid="midtread")
        return {linear.name: decision for linear in shape.linears}

    def compress_linears(self, weights: Weights, hessian: Hessian, decisions: Decisions) -> dict[str, QLR]:
        from harness_plugins.compressors.caldera.decompose import Schedule
        from harness_plugins.compressors.caldera.linears import compress_linears

        return compress_linears(weights, None, decisions, Schedule(iterations=1, rounding="nearest"))
