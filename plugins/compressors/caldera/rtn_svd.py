"""Q by absmax round-to-nearest, then L·R from one unweighted SVD of W − Q, factors rounded by absmax; uncalibrated.

The published experiments ran this under the name CALDERA: no Hessian, no feedback, no alternation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from harness.contract import Compressor, Decision, Decisions, Hessian, ModelShape, Params, Weights
from harness_plugins.compressors.caldera import allocation
from harness_plugins.compressors.caldera.params import Width

if TYPE_CHECKING:
    from harness.checkpoints.qlr import QLR


class RtnSvdParams(Params):
    """`rank` None means round(hidden / 56); groups of 128 columns share a scale, in Q and in the factors."""

    bits: int = Field(4, ge=2, le=8)
    rank: int | None = Field(None, ge=0)
    factor_bits: Width = 4
    group: int = Field(128, ge=0)


class RtnSvd(Compressor):
    calibrated = False
    params: RtnSvdParams

    def plan(self, shape: ModelShape, measurements: Any = None) -> Decisions:
        params = self.params
        rank = allocation.default_rank(shape.hidden) if params.rank is None else params.rank

        def decide(rank: int) -> Decision:
            return Decision(
                bits=params.bits,
                group=params.group,
                grid="midtread",
                rank=rank,
                factor_bits=params.factor_bits,
                factor_group=params.group,
            )

        return allocation.uniform(shape, decide, rank)

    def compress_linears(self, weights: Weights, hessian: Hessian, decisions: Decisions) -> dict[str, QLR]:
        from harness_plugins.compressors.caldera.decompose import Schedule
        from harness_plugins.compressors.caldera.linears import compress_linears

        one_pass = Schedule(iterations=1, factor_iterations=0, start="zero", rounding="symmetric")
        return compress_linears(weights, None, decisions, one_pass)
