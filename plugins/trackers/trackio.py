"""Cells as Trackio runs, in a project that bears the run folder's name: `harness -p trackio run …`, then `trackio show`.

Where they are written is Trackio's own setting (TRACKIO_DIR, TRACKIO_SPACE_ID, …).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

from harness.contract.hooks import hookimpl
from harness_plugins.trackers.sessions import Sessions
from harness_plugins.trackers.tracked import settings

if TYPE_CHECKING:
    from harness.planning.cells import Cell

requires = ("trackio",)
extra = "trackio"


@hookimpl
def harness_training_row(run: Path, cell: Cell, row: dict[str, JsonValue]) -> None:
    _sessions.training_row(run, cell, row)


@hookimpl
def harness_cell_end(run: Path, cell: Cell, state: str) -> None:
    _sessions.cell_end(run, cell, state)


def _begin(project: str, cell: Cell) -> Any:
    import trackio

    apart = {"embed": False, "auto_log_cpu": False, "auto_log_gpu": False}
    return trackio.init(project=project, name=cell.id, config=settings(cell), resume="allow", **apart)


_sessions = Sessions(_begin)
