"""Where cells run. An executor takes cells as JSON and yields events about them. The store carries everything else, so
nothing is pickled and no memory is shared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Literal, Protocol

from harness.contract import Record
from harness.planning.cells import Cell

if TYPE_CHECKING:
    from harness.running.executors.messages import WorkerSetup


class Event(Record):
    """An event in the life of a cell. "progress" carries (stage, done, total); "failed" carries a one-line error."""

    kind: Literal["started", "progress", "done", "failed", "retried"]
    cell: str
    stage: str = ""
    done: int = 0
    total: int = 0
    error: str = ""


class Executor(Protocol):
    def __init__(self, setup: WorkerSetup, slots: int, silence: float) -> None:
        """`setup` goes to every worker; `slots` work at a time; one that is silent for `silence` seconds is hung."""

    def run(self, cells: Iterable[Cell]) -> Iterator[Event]:
        """Run every cell; one "done" or "failed" event ends each. Closing the iterator stops all work."""
        ...
