"""Two runs beside each other: the same arms in both, paired by item where both asked the same question."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from harness.errors import UsageError, plural
from harness.planning.cells import Cell
from harness.registry.catalogue import Catalogue
from harness.registry.component import NONE
from harness.report.data import CellSummary, Contrast, ReportData, Row
from harness.report.shelf import Shelf
from harness.report.stored_run import StoredRun


class ArmName(NamedTuple):
    """An arm as both runs call it: model and seed are empty where each run has but one."""

    trainer: str
    compressor: str
    model: str
    seed: str

    def without(self, models: bool, seeds: bool) -> ArmName:
        return self._replace(model=self.model if models else "", seed=self.seed if seeds else "")

    def __str__(self) -> str:
        done = " + ".join(part for part in (self.trainer, self.compressor) if part != NONE) or "baseline"
        return " · ".join(part for part in (self.model, done, self.seed) if part)


@dataclass(frozen=True)
class Side(StoredRun):
    """One of the runs, and the questions of each cell."""

    def arms(self, suite: str) -> dict[ArmName, Cell]:
        cells = [cell for cell in self.plan.cells if cell.suite.label == suite]
        return {
            ArmName(one.trainer.label, one.compressor.label, one.model.name, f"seed {one.seed}"): one for one in cells
        }

    def questions(self, cell: Cell) -> dict[str, dict[str, str]]:
        return self.store.cell(cell.id).prompts()


@dataclass(frozen=True)
class TwoRuns:
    """`data` holds the cells of both runs under ids of their own, contrasted arm by arm; `notes` say what was left out."""

    data: ReportData
    notes: tuple[str, ...]
    paired: bool


def beside(first: Side, second: Side, catalogue: Catalogue, paired: bool = True) -> TwoRuns:
    """The second run against the first.

    Raises:
        UsageError: no suite, no arm or no question is in both.
    """
    suites = [suite for suite in first.data.suites if suite in second.data.suites]
    if not suites:
        has = [", ".join(side.data.suites) for side in (first, second)]
        raise UsageError(f"the runs have no suite in common: {has[0]} in A, {has[1]} in B")
    cells: list[CellSummary] = []
    shelf, rows = Shelf[Row](), dict[str, Sequence[Row]]()
    contrasts: list[Contrast] = []
    notes: list[str] = []
    for suite in suites:
        for label, a, b in _matched(first, second, suite, notes):
            notes += _graded_otherwise(suite, a, b, catalogue)
            shared = _same_questions(first.questions(a), second.questions(b))
            if paired:
                notes += _left_out(suite, label, len(shared), a.items, b.items)
            for side, cell, mark in ((first, a, "A"), (second, b, "B")):
                summary = next(one for one in side.data.cells if one.id == cell.id)
                found = side.data.rows.get(cell.id, ())
                rows[f"{mark}:{cell.id}"] = shelf.put([row for row in found if not paired or row.item in shared])
                cells.append(summary.model_copy(update={"id": f"{mark}:{cell.id}", "model": f"{mark}"}))
            contrasts.append(Contrast(base=f"A:{a.id}", other=f"B:{b.id}", factor=label))
    data = ReportData(
        title=f"A: {first.store.folder}, B: {second.store.folder}",
        suites={suite: first.data.suites[suite] for suite in suites},
        cells=tuple(cells),
        rows=rows,
        contrasts=tuple(contrasts),
    )
    return TwoRuns(data, tuple(dict.fromkeys(notes)), paired)


def _matched(first: Side, second: Side, suite: str, notes: list[str]) -> Iterator[tuple[str, Cell, Cell]]:
    """The arms of both runs by name; where each has but one, these."""
    a, b = first.arms(suite), second.arms(suite)
    models = any(len({name.model for name in side}) > 1 for side in (a, b))
    seeds = any(len({name.seed for name in side}) > 1 for side in (a, b))
    a, b = ({name.without(models, seeds): cell for name, cell in side.items()} for side in (a, b))
    shared = [name for name in a if name in b]
    if not shared and len(a) == len(b) == 1:
        (one,), (other,) = a, b
        notes.append(f"{suite}: A is {one}, B is {other}.")
        yield f"{other} vs {one}", a[one], b[other]
        return
    if not shared:
        names = [", ".join(map(str, side)) for side in (a, b)]
        raise UsageError(f"{suite}: the runs have no arm in common: {names[0]} in A, {names[1]} in B")
    for mark, side in (("A", a), ("B", b)):
        if alone := [str(name) for name in side if name not in shared]:
            notes.append(f"{suite}: only in {mark}: {', '.join(alone)}.")
    for what, of in (("model", lambda cell: cell.model.name), ("seed", lambda cell: cell.seed)):
        pairs = dict.fromkeys((of(a[name]), of(b[name])) for name in shared)
        notes += [f"{suite}: the {what} is {one} in A and {other} in B." for one, other in pairs if one != other]
    for name in shared:
        yield str(name), a[name], b[name]


def _same_questions(a: dict[str, dict[str, str]], b: dict[str, dict[str, str]]) -> set[str]:
    return {item for item, asked in a.items() if b.get(item) == asked}


def _left_out(suite: str, label: str, shared: int, a: int, b: int) -> Iterable[str]:
    """Raises UsageError if no question is in both."""
    if not shared:
        cause = f"{suite}, {label}: none of the {plural(a, 'item')} of A is asked in B"
        raise UsageError(cause, "--unpaired compares them as independent samples")
    if shared < max(a, b):
        yield f"{suite}: {shared} items ask the same in both, of {a} in A and {b} in B; the others are left out."


def _graded_otherwise(suite: str, a: Cell, b: Cell, catalogue: Catalogue) -> Iterable[str]:
    before, now = (catalogue.stored_params(cell.suite) for cell in (a, b))
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) != now.get(name):
            yield f"{suite}: {name} is {before.get(name)} in A and {now.get(name)} in B."
    if a.suite.source != b.suite.source:
        yield f"{suite}: its code is not the same in A and B."
    for name in ("temperature", "top_p", "dtype"):
        one, other = getattr(a.settings, name), getattr(b.settings, name)
        if one != other:
            yield f"{suite}: {name.replace('_', '-')} is {one} in A and {other} in B."
