"""A corrected rate as a cell, for graders and detectors alike."""

from __future__ import annotations

from pydantic import JsonValue

from harness.report.numbers import bracket, percent
from harness.report.table import Cell
from harness.stats import Corrected

NOTHING_CORRECTS = (
    "“no correction”: the verdict separates nothing (recall + specificity at most 1), or the interval excludes no rate."
)


def correction_cell(found: Corrected | None, measured: dict[str, JsonValue]) -> Cell:
    """`found` None: the verdict separates nothing. `measured`: the error that was corrected for, for programs."""
    if found is None:
        return Cell("no correction", {"value": None, "interval": None, **measured})
    value: dict[str, JsonValue] = {"value": found.value, "interval": list(found.interval), **measured}
    verdict = "no correction" if found.says_nothing else percent(found.value)
    return Cell(f"{verdict}\n{bracket(found.interval)}", value)
