"""The responses of a screen: a number for each run and item, larger where the model is better."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.contract import Outcome, Scores
from harness.errors import UsageError
from harness.planning.cells import Cell, Plan
from harness.planning.screening import BASE, Response, Screen
from harness.store.run import RunStore, VerdictRow

ACCURACIES = {"proxy": "rate of the proxy", "truth": "rate of the truth"}  # of suites that have both axes


@dataclass(frozen=True)
class Table:
    """Values (runs, items) by run, over the items that every run has; `clusters` (items,) as indices."""

    runs: tuple[str, ...]
    items: tuple[str, ...]
    clusters: np.ndarray
    values: np.ndarray

    def of(self, run: str) -> np.ndarray:
        return self.values[self.runs.index(run)]

    def at(self, runs: Sequence[str]) -> np.ndarray:
        """(len(runs), items)."""
        return self.values[[self.runs.index(run) for run in runs]]


def read_responses(
    screen: Screen, plan: Plan, store: RunStore, held_out: Mapping[str, Collection[str]]
) -> dict[str, Table]:
    """Response -> its table: the screen's own, and the accuracies of each suite that has them. `held_out`: suite -> ids of
    items that judge elsewhere, and are left out here.

    Raises UsageError while a run of the screen is not finished, or where no item is left.
    """
    found: dict[str, Table] = {}
    wanted = dict(screen.responses)
    for suite in dict.fromkeys(one.suite for one in screen.responses.values()):
        rows = _rows(screen, plan, store, suite, held_out.get(suite, ()))
        if any(isinstance(row.verdict, Outcome) for row in next(iter(rows.values())).values()):
            wanted |= {
                f"{title} ({suite})": Response(suite=suite, measure=name, sign=1) for name, title in ACCURACIES.items()
            }
        for name, response in wanted.items():
            if response.suite == suite:
                found[name] = _table(name, response, rows)
    return found


def _rows(
    screen: Screen, plan: Plan, store: RunStore, suite: str, left_out: Collection[str]
) -> dict[str, dict[str, VerdictRow]]:
    """Run -> item -> its verdict."""
    cells: dict[str, Cell] = {cell.compressor.label: cell for cell in plan.cells if cell.suite.label == suite}
    rows = {}
    for label in (BASE, *screen.runs):
        verdicts = store.cell(cells[label].id).verdicts(cells[label].grade_key) if label in cells else []
        if not verdicts:
            raise UsageError(
                f"run {label} of the screen has no verdicts on {suite}", "the same command goes on with it"
            )
        rows[label] = {row.item: row for row in verdicts if row.item not in left_out and row.repeat == 0}
    return rows


def _table(name: str, response: Response, rows: Mapping[str, Mapping[str, VerdictRow]]) -> Table:
    values = {run: {item: _value(row, response.measure) for item, row in each.items()} for run, each in rows.items()}
    first = next(iter(rows.values()))
    items = [item for item in first if all(each.get(item) is not None for each in values.values())]
    if not items:
        raise UsageError(f"no item gives the response {name} in every run", "see the errors by `harness report RUN`")
    numbers: dict[tuple[str, str], int] = {}
    clusters = [numbers.setdefault((first[item].family, first[item].cluster), len(numbers)) for item in items]
    matrix = np.array([[response.sign * (each[item] or 0.0) for item in items] for each in values.values()])
    return Table(tuple(values), tuple(items), np.array(clusters), matrix)


def _value(row: VerdictRow, measure: str) -> float | None:
    verdict = row.verdict
    if isinstance(verdict, Outcome):
        return float(getattr(verdict, measure)) if measure in ACCURACIES else verdict.measures.get(measure)
    return verdict.values.get(measure) if isinstance(verdict, Scores) else None
