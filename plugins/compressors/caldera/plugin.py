"""The calibrated compressor. Planning needs shapes only; torch is imported when a group is compressed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.contract import Compressor, Decision, Decisions, ModelShape
from harness_plugins.compressors.caldera import allocation
from harness_plugins.compressors.caldera.params import CalderaParams

if TYPE_CHECKING:
    import torch

    from harness.models.qlr import QLR


class Caldera(Compressor):
    """Q + L·R with Hessian-aware rounding and calibrated low-rank factors."""

    params: CalderaParams

    def plan(self, shape: ModelShape, measurements: Any = None) -> Decisions:
        params = self.params
        rank = allocation.default_rank(shape.hidden) if params.rank is None else params.rank
        if params.allocation == "ultra":
            decisions = allocation.ultra(shape, params.decision, rank)
        elif params.allocation == "selective":
            decisions = allocation.selective(shape, params.decision, rank, params.protect)
        elif params.match is not None:
            decisions = allocation.uniform_within(shape, params.decision, int(params.match * shape.weights))
        else:
            decisions = allocation.uniform(shape, params.decision, rank)
        return self.controlled(shape, decisions)

    def controlled(self, shape: ModelShape, decisions: Decisions) -> Decisions:
        """The decisions, or the same ones dealt to other blocks when `shuffle` asks for a control."""
        if self.params.shuffle is None:
            return decisions
        return allocation.shuffled(shape, decisions, self.params.shuffle)

    def compress_group(
        self,
        weights: Mapping[str, torch.Tensor],
        hessian: torch.Tensor | None,
        decisions: Mapping[str, Decision],
    ) -> dict[str, QLR]:
        from harness_plugins.compressors.caldera.decompose import Schedule
        from harness_plugins.compressors.caldera.group import compress_group

        params = self.params
        schedule = Schedule(params.iterations, params.factor_iterations, params.start, params.rounding)
        return compress_group(weights, hessian, decisions, schedule, params.rotation_seed)
