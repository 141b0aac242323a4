"""The calibrated compressor. Planning needs shapes only; torch is imported when a group is compressed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from harness.contract import Compressor, Decision, Decisions, Hessian, LinearShape, ModelShape, Weights
from harness_plugins.compressors.caldera import allocation
from harness_plugins.compressors.caldera.params import CalderaParams, EngineParams

if TYPE_CHECKING:
    from harness.checkpoints.qlr import QLR


ATTENTION = re.compile(r"attn|attention")


class Engine(Compressor):
    """Q + L·R with Hessian-aware rounding and calibrated low-rank factors, for decisions made by a subclass."""

    params: EngineParams

    def __init__(self, params: EngineParams) -> None:
        super().__init__(params)
        self.guided = params.hessian == "guided"

    def makes_up(self, linear: LinearShape) -> float:
        inside = ATTENTION.search(linear.name) or self.params.refit_mlp is None
        return self.params.refit if inside else self.params.refit_mlp or 0.0

    def compress_linears(self, weights: Weights, hessian: Hessian, decisions: Decisions) -> dict[str, QLR]:
        from harness_plugins.compressors.caldera.decompose import Schedule
        from harness_plugins.compressors.caldera.linears import compress_linears

        params = self.params
        schedule = Schedule(params.iterations, params.factor_iterations, params.start, params.rounding)
        return compress_linears(weights, hessian, decisions, schedule, params.rotation_seed)


class Caldera(Engine):
    """Bits and rank by rule: the same everywhere, or by depth."""

    params: CalderaParams

    def plan(self, shape: ModelShape, measurements: Any = None) -> Decisions:
        params = self.params
        rank = allocation.default_rank(shape.hidden) if params.rank is None else params.rank

        def decide(rank: int) -> Decision:
            return params.decision(rank, params.bits)

        if params.allocation == "ultra":
            return allocation.ultra(shape, decide, rank)
        if params.allocation == "selective":
            spared = None if params.protected_bits == 16 else lambda rank: params.decision(rank, params.protected_bits)
            first = params.where == "first"
            return allocation.selective(shape, decide, rank, params.protect, protected=spared, first=first)
        even = allocation.uniform(shape, decide, rank)
        if not params.shared_right:
            return even
        if params.rank is not None:
            return allocation.sharing(shape, even)
        return allocation.shared_within(shape, decide, allocation.stored_bits(shape, even))
