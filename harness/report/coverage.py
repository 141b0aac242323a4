"""What a report covers, and what else its run folder holds."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

from harness.errors import StageError, plural
from harness.planning.cells import Cell, Plan
from harness.store.files import read_object
from harness.store.run import RunStore

NAMED = 3  # cells


def stamp(plan: Plan) -> str:
    """ "goodhart7 on pocket, 3 arms, seed 42, 1 repeat": what the report's title says that it is of."""
    suites = ", ".join(dict.fromkeys(cell.suite.label for cell in plan.cells))
    models = ", ".join(dict.fromkeys(cell.model.name for cell in plan.cells))
    arms = {(cell.trainer.label, cell.compressor.label) for cell in plan.cells}
    seeds = list(dict.fromkeys(cell.seed for cell in plan.cells))
    seed_text = f"seed {seeds[0]}" if len(seeds) == 1 else plural(len(seeds), "seed")
    repeats = plural(max(cell.settings.runs for cell in plan.cells), "repeat")
    return f"{suites} on {models}, {plural(len(arms), 'arm')}, {seed_text}, {repeats}"


def not_covered(plan: Plan, store: RunStore) -> Iterable[str]:
    """One line for each kind of samples that the folder holds and the report leaves out."""
    planned = {cell.id for cell in plan.cells}
    arms = {_arm(cell.model_dump(mode="json")) for cell in plan.cells}
    other: list[str] = []
    earlier: list[str] = []
    for cell_id, described in _stored(store):
        if cell_id not in planned:
            (earlier if _arm(described) in arms else other).append(cell_id)
    if other:
        yield f"Not in this report: {_named(other)}, stored here by an earlier command; name their arms again to include them."
    if earlier:
        yield f"Not in this report: {_named(earlier)}, answered under other code, settings or weights than those of today."
    repeats = max((_repeats(cell, store) for cell in plan.cells), default=0)
    counted = max(cell.settings.runs for cell in plan.cells)
    if repeats > counted:
        yield f"{repeats} repeats are stored; this report counts the first {counted} (--runs {counted})."


def _stored(store: RunStore) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted((store.folder / "cells").glob("*/cell.json")):
        if (path.parent / "samples.jsonl").is_file():
            with contextlib.suppress(StageError):
                yield path.parent.name, read_object(path)


def _arm(cell: dict[str, Any]) -> tuple:
    names = [(cell.get(factor) or {}).get("label") for factor in ("trainer", "compressor", "suite")]
    return (cell.get("model") or {}).get("name"), *names, cell.get("seed")


def _named(cells: list[str]) -> str:
    more = f" and {len(cells) - NAMED} more" if len(cells) > NAMED else ""
    return f"{plural(len(cells), 'cell')} ({', '.join(cells[:NAMED])}{more})"


def _repeats(cell: Cell, store: RunStore) -> int:
    """Repeats of which samples are stored, whatever counts now."""
    asked = cell.asked or cell.generations
    path = store.cell(cell.id).samples_path
    if not asked or not path.is_file():
        return 0
    with path.open("rb") as file:
        return sum(1 for _ in file) * cell.settings.runs // asked
