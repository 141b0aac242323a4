"""A finished screen as data: effects by design and response, controls, agreement, and the plan that a compressor spends by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from harness.checkpoints.manifest import read_manifest
from harness.contract.sensitivity import Effect, SensitivityPlan, SweptLinear
from harness.errors import UsageError
from harness.planning.cells import Plan
from harness.planning.screening import WHOLE, Screen
from harness.report.sensitivity.effects import Controls, controls, damages, spearman
from harness.report.sensitivity.responses import Table
from harness.running.stages.weights import finished_weights

ERROR = "reconstruction error"


@dataclass(frozen=True)
class Found:
    """`effects`: response -> design -> by unit. `errors`: by unit, of the whole artefact, relative and summed in squares."""

    screen: Screen
    effects: dict[str, dict[str, list[Effect]]]
    controls: dict[str, Controls]
    linears: dict[str, SweptLinear]
    errors: list[float]
    items: dict[str, int]  # response -> how many it rests on

    def agreement(self, response: str) -> dict[tuple[str, str], float | None]:
        """Spearman's ρ over units between every two designs, and between each and the reconstruction error."""
        columns = {design: [one.damage for one in each] for design, each in self.effects[response].items()}
        columns[ERROR] = self.errors
        return {(a, b): spearman(columns[a], columns[b]) for a, b in combinations(columns, 2)}


def find(screen: Screen, plan: Plan, tables: Mapping[str, Table]) -> Found:
    effects = {
        name: {design: damages(screen, design, table) for design in screen.designs} for name, table in tables.items()
    }
    linears = _linears(screen, plan)
    errors = dict.fromkeys(screen.units, 0.0)
    for one in linears.values():
        errors[one.unit] += (one.error or 0.0) ** 2
    return Found(
        screen=screen,
        effects=effects,
        controls={name: controls(screen, table, effects[name][screen.designs[0]]) for name, table in tables.items()},
        linears=linears,
        errors=list(errors.values()),
        items={name: len(table.items) for name, table in tables.items()},
    )


def plan_file(found: Found, plan: Plan, items: Mapping[str, str]) -> SensitivityPlan:
    """The screen's own responses, by its first design; `items`: the keys of what they rest on."""
    first, screen = found.screen.designs[0], found.screen
    model = plan.cells[0].model
    return SensitivityPlan(
        model=model.name,
        digest=model.digest,
        compressor=screen.compressor,
        unit=screen.unit,
        designs=screen.designs,
        effects={name: dict(zip(screen.units, found.effects[name][first], strict=True)) for name in screen.responses},
        noise={name: found.controls[name].noise for name in screen.responses},
        linears=found.linears,
        items=tuple(sorted(items)),
    )


def _linears(screen: Screen, plan: Plan) -> dict[str, SweptLinear]:
    """Every Linear as the run that compresses all has it."""
    cell = next(cell for cell in plan.cells if cell.compressor.label == WHOLE)
    folder = finished_weights(cell)
    if folder is None:
        raise UsageError(
            "the artefact of the whole compression is no longer in the cache", "run the same command again"
        )
    return {
        name: SweptLinear(
            unit=str(entry.block) if screen.unit == "block" else name,
            rows=entry.rows,
            columns=entry.columns,
            decision=entry.decision,
            error=entry.error,
        )
        for name, entry in read_manifest(folder).linears.items()
    }
