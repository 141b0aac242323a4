"""Cells as Trackio runs, in a project that bears the run folder's name: `harness -p trackio run …`, then `trackio show`.

Where they are written is Trackio's own setting (TRACKIO_DIR, TRACKIO_SPACE_ID, …). Worker and driver write to the run of the
cell's id, and so does a run that is resumed.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

from harness.contract.hooks import hookimpl
from harness_plugins.trackers.tracked import results, scalars, settings

if TYPE_CHECKING:
    from harness.planning.cells import Cell

_open: dict[Path, Any] = {}  # in a worker, the runs of cells that are training


requires = ("trackio",)
extra = "trackio"


@hookimpl
def harness_training_row(run: Path, cell: Cell, row: dict[str, JsonValue]) -> None:
    step = row.get("step")
    if not isinstance(step, int):
        return
    key = run / cell.id
    if key not in _open:
        _open[key] = _begin(run, cell)
    _open[key].log(dict(scalars(row)), step=step)
    if step == row.get("steps"):
        _open.pop(key).finish()


@hookimpl
def harness_cell_end(run: Path, cell: Cell, state: str, error: str | None) -> None:
    tracked = _begin(run, cell)
    tracked.log({**results(run, cell), "done": float(state == "done")})
    tracked.finish()


def _begin(run: Path, cell: Cell) -> Any:
    import trackio

    return trackio.init(
        project=run.resolve().name,
        name=cell.id,
        config=settings(cell),
        resume="allow",
        embed=False,
        auto_log_cpu=False,
        auto_log_gpu=False,
    )
