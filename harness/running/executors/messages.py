"""The messages between driver and worker: JSON lines, over the worker's stdin and a second pipe."""

from __future__ import annotations

from harness.contract import Record
from harness.planning.cells import Cell
from harness.running.executors import Event


class WorkerSetup(Record):
    """The first line to a worker: where it writes, and which plugins and registries it sees."""

    run: str
    plugins_dirs: tuple[str, ...] = ()
    disabled: tuple[str, ...] = ()
    requested: tuple[str, ...] = ()
    registries: tuple[str, ...] = ()


class Assignment(Record):
    cell: Cell
    log: str  # the worker's stdout and stderr go here while it works on the cell


__all__ = ["Assignment", "Event", "WorkerSetup"]
