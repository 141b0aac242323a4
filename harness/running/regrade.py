"""Give a finished run new verdicts: from improved graders, other parameters or more detectors. Nothing is sampled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from pydantic import JsonValue

from harness.contract import Outcome, TaskSuite
from harness.errors import UsageError
from harness.planning.cells import Cell, Plan
from harness.planning.experiment import SUITE_FLAGS
from harness.planning.keys import with_judges
from harness.planning.questions import limited, selected_items
from harness.registry.catalogue import Catalogue
from harness.registry.component import build
from harness.running.cell import CellRunner
from harness.running.driver import record
from harness.running.stages.sample import silent
from harness.store.run import CellStore, RunStore, VerdictRow


def regrade(
    store: RunStore,
    catalogue: Catalogue,
    flags: Mapping[str, JsonValue],
    params: Mapping[str, dict[str, JsonValue]],
    detectors: Sequence[str] | None,
) -> Iterator[str]:
    """Grade every cell again, its suite under `flags` and `params`; yields one line per cell on what moved.

    Raises UsageError if the changed suite would ask questions other than those that the stored replies answer.
    """
    before = Plan.of(store)
    catalogue = catalogue.with_presets(before.experiment.presets, "experiment file")
    cells = tuple(_rejudged(cell, store, catalogue, flags, params, detectors) for cell in before.cells)
    record(before.model_copy(update={"cells": cells}), store)
    runner = CellRunner(store, catalogue, silent)
    for old, cell in zip(before.cells, cells, strict=True):
        cell_store = store.cell(cell.id)
        earlier = cell_store.verdicts(old.grade_key)
        runner.regrade(cell)
        yield f"{cell.id}: {_difference(earlier, cell_store.verdicts(cell.grade_key))}"


def _rejudged(
    cell: Cell,
    store: RunStore,
    catalogue: Catalogue,
    flags: Mapping[str, JsonValue],
    params: Mapping[str, dict[str, JsonValue]],
    detectors: Sequence[str] | None,
) -> Cell:
    label = cell.suite.label
    given = {
        flag: value for flag, value in flags.items() if flag in SUITE_FLAGS and catalogue.accepts(cell.suite, flag)
    }
    component = catalogue.resolve(
        "tasks", label, {**catalogue.stored_params(cell.suite), **given, **params.get(label, {})}
    )
    labels = [detector.label for detector in cell.detectors] if detectors is None else detectors
    judges = tuple(catalogue.resolve("detectors", name, params.get(name)) for name in labels)
    suite: TaskSuite = build(component, catalogue.spec("tasks", component.plugin)[0])
    _same_questions(cell, suite, store.cell(cell.id))
    return with_judges(cell, component, judges)


def _same_questions(cell: Cell, suite: TaskSuite, store: CellStore) -> None:
    stored = store.prompts()
    for item in selected_items(suite, cell.settings.limit):
        for prompt in suite.prompts(item):
            if stored.get(item.id, {}).get(prompt.role) != limited(prompt, cell.settings.max_tokens).text:
                asked = f"{cell.suite.label} now asks another question for {item.id} ({prompt.role})"
                raise UsageError(f"{asked} than the stored reply answers", "use `harness run`")


def _difference(earlier: Sequence[VerdictRow], rows: Sequence[VerdictRow]) -> str:
    """How many verdicts changed, and to what."""
    before = {(row.item, row.repeat): _name(row) for row in earlier}
    moves: Counter[str] = Counter()
    for row in rows:
        was, now = before.get((row.item, row.repeat), "ungraded"), _name(row)
        if was != now:
            moves[f"{was} -> {now}"] += 1
    if not moves:
        return f"no verdict of {len(rows)} changed"
    listed = ", ".join(f"{move}: {count}" for move, count in moves.most_common())
    return f"{sum(moves.values())} of {len(rows)} verdicts changed ({listed})"


def _name(row: VerdictRow) -> str:
    if row.verdict is None:
        return "error"
    return str(row.verdict.quadrant) if isinstance(row.verdict, Outcome) else str(row.verdict.values)
