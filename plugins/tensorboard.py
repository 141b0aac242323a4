"""Training rows as TensorBoard scalars, while they are made: `tensorboard --logdir RUN/tensorboard`.

A plugin like any other, active where the package `tensorboard` is installed (the extra of that name); `-p no:tensorboard`
leaves it out. One folder of events a cell: seeds and arms are curves of one chart.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue

from harness.contract.hooks import hookimpl
from harness_plugins.trackers.tracked import scalars

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

    from harness.planning.cells import Cell

FOLDER = "tensorboard"
_open: dict[Path, SummaryWriter] = {}


@hookimpl
def harness_training_row(run: Path, cell: Cell, row: dict[str, JsonValue]) -> None:
    step = row.get("step")
    if not isinstance(step, int) or importlib.util.find_spec("tensorboard") is None:
        return
    folder = run / FOLDER / cell.id
    if folder not in _open:
        from torch.utils.tensorboard import SummaryWriter

        _open[folder] = SummaryWriter(str(folder), purge_step=step)  # a resumed run takes steps again
    writer = _open[folder]
    for name, value in scalars(row):
        writer.add_scalar(name, value, step)
    if step == row.get("steps"):
        _open.pop(folder).close()
    else:
        writer.flush()
