"""Cells as runs of a library with `init`, `log` and `finish`, as W&B named them and others after it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

from harness_plugins.trackers.tracked import results, scalars

if TYPE_CHECKING:
    from harness.planning.cells import Cell

Begin = Callable[[str, "Cell"], Any]


class Sessions:
    """`begin(project, cell)` opens the library's run of that cell's id, or goes on with it: worker and driver both do, one
    after the other."""

    def __init__(self, begin: Begin) -> None:
        self.begin = begin
        self.open: dict[Path, Any] = {}  # in a worker, the runs of cells that are training

    def training_row(self, run: Path, cell: Cell, row: dict[str, JsonValue]) -> None:
        step = row.get("step")
        if not isinstance(step, int):
            return
        key = run / cell.id
        if key not in self.open:
            self.open[key] = self.begin(run.resolve().name, cell)
        self.open[key].log(dict(scalars(row)), step=step)
        if step == row.get("steps"):
            self.open.pop(key).finish()

    def cell_end(self, run: Path, cell: Cell, state: str) -> None:
        session = self.begin(run.resolve().name, cell)
        session.log({**results(run, cell), "done": float(state == "done")})
        session.finish()
