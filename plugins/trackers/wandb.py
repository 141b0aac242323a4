"""Cells as W&B runs, in a project that bears the run folder's name: `harness -p wandb run …`.

Mode, folder and account are W&B's own settings. WANDB_MODE=offline needs no account; `wandb sync` brings the runs together,
by the cell's id, where worker and driver wrote apart.
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

requires = ("wandb",)
extra = "wandb"
LONGEST = 128  # characters of a run's id; a cell's own digest ends its name


@hookimpl
def harness_training_row(run: Path, cell: Cell, row: dict[str, JsonValue]) -> None:
    _sessions.training_row(run, cell, row)


@hookimpl
def harness_cell_end(run: Path, cell: Cell, state: str) -> None:
    _sessions.cell_end(run, cell, state)


def _begin(project: str, cell: Cell) -> Any:
    import wandb

    found = {"project": project, "name": cell.id, "id": cell.id[-LONGEST:], "config": settings(cell)}
    return wandb.init(**found, resume="allow", settings=wandb.Settings(x_disable_stats=True, console="off"))


_sessions = Sessions(_begin)
