"""Bits and rank where a behavioural screen found that they matter: `budget` with measured damage for the loss's gradient.

`harness sensitivity` compressed units (blocks or Linears) with some reference decisions and measured what that did to the
behaviour. The damage of unit u is assumed proportional to its error, ω_u = damage_u / Σ w · tr(D H Dᵀ) at the reference (the ω
of BRASS, package qlr), so an option costs ω_u times its error there. Shares are clamped at a thousandth of the median, so that
no unit is given away because noise made it look harmless.
"""

from __future__ import annotations

from typing import Any

from harness.contract import Decision, Decisions, LinearShape, ModelShape
from harness_plugins.compressors.caldera.budget import TABLE, Budget, Measurement
from harness_plugins.compressors.caldera.params import SensitiveParams
from harness_plugins.compressors.caldera.sensitivity_plan import read_plan, refuse_other_model, shares


class Sensitive(Budget):
    """Its items must not judge it."""

    unmeasured = Budget.unmeasured | {"plan", "digest", "response", "reverse"}
    measured_as = Budget
    params: SensitiveParams

    def __init__(self, params: SensitiveParams) -> None:
        super().__init__(params)
        self.found = read_plan(params.plan)
        self.questions = frozenset(self.found.items)
        self.shares = shares(self.found, params.response, params.reverse)

    def plan(self, shape: ModelShape, measurements: Any = None) -> Decisions:
        refuse_other_model(self.found, shape)
        if measurements is None:
            table = {linear.name: self._prior(linear, shape.hidden) for linear in shape.linears}
        else:
            table = TABLE.validate_python(measurements)
        damage = self._damage_per_error(shape, table)
        weighed = {
            name: [entry.model_copy(update={"error": entry.error * damage[name]}) for entry in entries]
            for name, entries in table.items()
        }
        return super().plan(shape, TABLE.dump_python(weighed, mode="json"))

    def _damage_per_error(self, shape: ModelShape, table: dict[str, list[Measurement]]) -> dict[str, float]:
        """Linear -> ω of its unit."""
        units = {name: one.unit for name, one in self.found.linears.items()}
        errors = dict.fromkeys(units.values(), 0.0)
        for linear in shape.linears:
            errors[units[linear.name]] += at_reference(
                linear, self.found.linears[linear.name].decision, table[linear.name]
            )
        largest = max(errors.values()) or 1.0
        return {name: self.shares[unit] / max(errors[unit], 1e-9 * largest) for name, unit in units.items()}


def at_reference(linear: LinearShape, reference: Decision, entries: list[Measurement]) -> float:
    """The error at the reference decision: of the option with as many bits and rank, else of the one nearest in size."""
    bits = linear.stored_bits(reference)
    same = [
        entry for entry in entries if (entry.decision.bits, entry.decision.rank) == (reference.bits, reference.rank)
    ]
    return (same or sorted(entries, key=lambda entry: abs(linear.stored_bits(entry.decision) - bits)))[0].error
