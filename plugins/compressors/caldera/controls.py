"""Controls of a compressor that spends its bits unevenly: the same bits spent evenly, or elsewhere.

Comparing with these two, at equal size, shows whether it matters *where* the bits went. Nothing here imports torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.contract import Compressor, Decisions, Hessian, LinearShape, ModelShape, Params, Weights
from harness.errors import UsageError
from harness_plugins.compressors.caldera import allocation
from harness_plugins.compressors.caldera.params import CalderaParams, RandomProtectParams, UniformParams
from harness_plugins.compressors.caldera.plugin import Caldera, Engine

if TYPE_CHECKING:
    from harness.contract.compression import CompressedLinear


class Control(Compressor):
    """Derives its plan from its treatment's, and compresses with `engine`."""

    treatment: Compressor

    def __init__(self, params: Params, treatment: Compressor, engine: Compressor) -> None:
        super().__init__(params)
        if treatment.whole_model:
            raise UsageError("a control needs decisions per Linear; a library that takes the whole model makes none")
        self.treatment, self.engine = treatment, engine
        self.calibrated, self.guided = engine.calibrated, engine.guided
        self.measures = treatment.measures

    def makes_up(self, linear: LinearShape) -> float:
        return self.engine.makes_up(linear)

    def limit(self, shape: ModelShape) -> int | None:
        return self.treatment.limit(shape)

    def compress_linears(
        self, weights: Weights, hessian: Hessian, decisions: Decisions
    ) -> Mapping[str, CompressedLinear]:
        return self.engine.compress_linears(weights, hessian, decisions)


class Uniform(Control):
    """The same bits and rank everywhere at its treatment's size, by the same engine if that is ours."""

    engine: Engine

    def __init__(self, params: UniformParams, treatment: Compressor) -> None:
        last = treatment
        while last.treatment is not None:
            last = last.treatment
        super().__init__(params, treatment, last if isinstance(last, Engine) else Caldera(CalderaParams()))

    def plan(self, shape: ModelShape, measurements: Any = None) -> Decisions:
        budget = allocation.stored_bits(shape, self.treatment.plan(shape, measurements))
        return allocation.uniform_within(shape, self.engine.params.decision, budget)


class RandomProtect(Control):
    """Its treatment's decisions, shuffled among blocks of equal shape: the same number of bits, at other depths."""

    params: RandomProtectParams

    def __init__(self, params: RandomProtectParams, treatment: Compressor) -> None:
        super().__init__(params, treatment, treatment)

    def plan(self, shape: ModelShape, measurements: Any = None) -> Decisions:
        return allocation.shuffled(shape, self.treatment.plan(shape, measurements), self.params.seed)
