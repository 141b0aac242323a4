"""Some units of another compressor's artefact, the rest untouched: the runs of a sensitivity screen."""

from __future__ import annotations

from typing import Any

from harness.contract import Compressor, Decision, Decisions, ModelShape
from harness.errors import UsageError
from harness_plugins.compressors.caldera.controls import Control
from harness_plugins.compressors.caldera.params import MaskedParams


class Masked(Control):
    """Sizes are its treatment's where it takes that, and the model's own elsewhere."""

    masks = True
    params: MaskedParams

    def __init__(self, params: MaskedParams, treatment: Compressor) -> None:
        if treatment.measures:
            raise UsageError(
                "a mask needs decisions that no measurement changes", "screen a compressor such as uniform3"
            )
        super().__init__(params, treatment, treatment)
        self.nudges = params.null

    def chosen(self, shape: ModelShape) -> frozenset[str]:
        blocks, names = set(self.params.blocks), set(self.params.linears)
        known = {linear.name for linear in shape.linears}
        strange = [f"no block {block}" for block in sorted(blocks) if not 0 <= block < shape.blocks]
        if strange := strange + [f"no Linear {name}" for name in sorted(names - known)]:
            raise UsageError(f"masked: the model has {strange[0]}", f"it has {shape.blocks} blocks, from 0")
        return frozenset(linear.name for linear in shape.linears if linear.block in blocks or linear.name in names)

    def plan(self, shape: ModelShape, measurements: Any = None) -> Decisions:
        chosen = frozenset() if self.nudges else self.chosen(shape)
        planned = self.treatment.plan(shape)
        return {name: planned[name] if name in chosen else Decision(bits=16) for name in planned}
