"""Bits and rank per Linear, solved for a size: the least total weighted error within `bpw` bits per weight.

The loss of an option is its error at this Linear's output, w · tr(D H Dᵀ) with the unnormalised Hessian, measured by
actually quantizing; w is the Linear's output sensitivity, 1 if unmeasured. Measured error counts, never a prior on
depth. Nothing here imports torch before a group is measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue, TypeAdapter

from harness.contract import Decision, Decisions, LinearShape, ModelShape, Record
from harness.errors import UsageError
from harness_plugins.compressors.caldera import allocation
from harness_plugins.compressors.caldera.knapsack import Option, solve
from harness_plugins.compressors.caldera.params import BudgetParams
from harness_plugins.compressors.caldera.plugin import Engine

if TYPE_CHECKING:
    from pathlib import Path

    import torch

    from harness.contract.compression import Calibration, Progress

ERROR_PER_BIT = 2**-1.8  # how much one more bit shrinks tr(D H Dᵀ): the prior before any measurement
PROBE_ITERATIONS = 1  # most of the gain of rank arrives with the first pair of steps; only winners get the full loop
PROBE_FACTOR_ITERATIONS = 2


class Measurement(Record):
    """What one option costs one Linear: `error` = w · tr(D H Dᵀ), H the mean of x xᵀ over calibration tokens."""

    decision: Decision
    error: float


Measurements = Mapping[str, Sequence[Measurement]]  # Linear -> its options
TABLE = TypeAdapter(dict[str, list[Measurement]])


class Budget(Engine):
    """CALDERA whose bits and ranks come from measured errors."""

    measures = True
    unmeasured = frozenset({"bpw", "size", "tied", "iterations", "factor_iterations", "refit", "refit_mlp"})
    params: BudgetParams

    def options(self, linear: LinearShape, hidden: int) -> list[Decision]:
        """The decisions to choose from for one Linear."""
        params = self.params
        rank = allocation.clamped(linear, allocation.default_rank(hidden) if params.rank is None else params.rank)
        plain = [params.decision(0, bits) for bits in params.widths]
        ranked = [option.model_copy(update={"rank": rank}) for option in plain if option.bits <= params.ranked_below]
        return plain + (ranked if rank else [])

    def plan(self, shape: ModelShape, measurements: Any = None) -> Decisions:
        """The solved decisions; without measurements, those of a prior that knows sizes only, for the same target."""
        table: Measurements = (
            {linear.name: self._prior(linear, shape.hidden) for linear in shape.linears}
            if measurements is None
            else TABLE.validate_python(measurements)
        )
        units = self._units(shape)
        items = [self._priced(unit, table) for unit in units]
        chosen = solve(items, self.limit(shape))
        if chosen is None:
            raise self._impossible(shape, sum(min(option.cost for option in options) for options in items))
        decisions: Decisions = {}
        for unit, index in zip(units, chosen, strict=True):
            decisions |= {linear.name: table[linear.name][index].decision for linear in unit}
        return decisions

    def limit(self, shape: ModelShape) -> int:
        """Bits that the Linears may take: all of `bpw`, or what the rest of the files leaves of `size`."""
        if (self.params.bpw is None) == (self.params.size is None):
            raise UsageError("a budget needs exactly one of bpw and size", "give it as budget@3.35, --bpw or --size")
        if self.params.size is not None:
            return 8 * (self.params.size - shape.overhead)
        return int((self.params.bpw or 0) * shape.weights)

    def _impossible(self, shape: ModelShape, least: int) -> UsageError:
        cause = "the budget is smaller than the smallest options"
        if self.params.size is None:
            return UsageError(cause, f"ask for {least / shape.weights + 0.005:.2f} bpw or more")
        rest = f"{shape.overhead:,} of them for what stays as it is"
        return UsageError(cause, f"ask for {-(-least // 8) + shape.overhead:,} bytes or more ({rest})")

    def measure(
        self, source: Path, calibration: Calibration, device: str, progress: Progress, scratch: Path
    ) -> JsonValue:
        from harness_plugins.compressors.caldera.measuring import measure

        return TABLE.dump_python(measure(source, self, calibration, device, progress, scratch), mode="json")

    def measure_linears(
        self,
        weights: Mapping[str, torch.Tensor],
        hessian: torch.Tensor | None,
        options: Mapping[str, Sequence[Decision]],
    ) -> dict[str, list[Measurement]]:
        """tr(D H Dᵀ) of every option of every Linear of one group (arguments as in `compress_linears`), w = 1."""
        from harness_plugins.compressors.caldera.decompose import Schedule
        from harness_plugins.compressors.caldera.linears import measure_linears

        params = self.params
        probe = Schedule(PROBE_ITERATIONS, PROBE_FACTOR_ITERATIONS, params.start, params.rounding)
        errors = measure_linears(weights, hessian, options, probe, params.rotation_seed)
        return {
            name: [
                Measurement(decision=option, error=error) for option, error in zip(listed, errors[name], strict=True)
            ]
            for name, listed in options.items()
        }

    def _units(self, shape: ModelShape) -> list[list[LinearShape]]:
        """Linears that must share a decision."""
        units: dict[str, list[LinearShape]] = {}
        for linear in shape.linears:
            units.setdefault(linear.input_group if self.params.tied else linear.name, []).append(linear)
        return list(units.values())

    def _priced(self, unit: Sequence[LinearShape], measurements: Measurements) -> list[Option]:
        columns = [
            [Option(linear.stored_bits(entry.decision), entry.error) for entry in measurements[linear.name]]
            for linear in unit
        ]
        return [
            Option(sum(option.cost for option in row), sum(option.loss for option in row))
            for row in zip(*columns, strict=True)
        ]

    def _prior(self, linear: LinearShape, hidden: int) -> list[Measurement]:
        weights = linear.rows * linear.columns
        return [
            Measurement(
                decision=option,
                error=weights * ERROR_PER_BIT ** (linear.stored_bits(option) / weights),
            )
            for option in self.options(linear, hidden)
        ]


def reweighted(measurements: Measurements, sensitivity: Mapping[str, float]) -> dict[str, list[Measurement]]:
    """Errors times each Linear's output sensitivity w."""
    return {
        name: [entry.model_copy(update={"error": entry.error * sensitivity[name]}) for entry in entries]
        for name, entries in measurements.items()
    }
