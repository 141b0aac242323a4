"""Cells on a Ray cluster. A group of cells is a Ray task that streams its samples back; the driver alone writes the run folder.

Ray finds a node that has what the group needs, starts and ends processes, notices what is lost, and keeps messages under way.
A task that is lost is submitted again by the driver, not by Ray, because the driver knows how far it had come.
"""

from __future__ import annotations

import errno
import os
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from harness.planning.cells import Cell
from harness.running.executors import Event
from harness.running.executors.changes import apply, read_all
from harness.running.executors.groups import groups
from harness.running.executors.messages import WorkerSetup
from harness.running.executors.needs import needs
from harness.running.executors.ray_cluster import Cluster, Lost, Refused, Stream, connected

LOSSES = 3  # of the task that a cell is in; then the cell has failed
AT_ONCE = 1000  # tasks that Ray is given
FULL = os.strerror(errno.ENOSPC)


@dataclass(eq=False)
class _Task:
    """A group of cells on its way. `todo[0]` is the current one."""

    todo: deque[Cell]
    losses: int = 0  # while todo[0] was under way
    stream: Stream = None
    node: str = ""
    full: set[str] = field(default_factory=set)  # nodes that had no room

    @property
    def learned(self) -> str | None:
        """The key of what the trainer learns, which other groups may stand on as well."""
        return self.todo[0].training_key if self.todo else None


class RayExecutor:
    """On the cluster that Ray finds by RAY_ADDRESS, or on a new one on this machine. `slots` tasks at a time share the CPUs;
    by default each has one, and there are as many as fit."""

    def __init__(self, setup: WorkerSetup, slots: int | None = None, silence: float = 1800.0) -> None:
        self.setup, self.slots, self.silence = setup, slots, silence
        self.run_folder = Path(setup.run)
        self.waiting: deque[_Task] = deque()
        self.running: list[_Task] = []
        self.homes: dict[str, str] = {}  # training key -> the node that has its weights

    def run(self, cells: Iterable[Cell]) -> Iterator[Event]:
        self.waiting.extend(_Task(deque(group)) for group in groups(cells))
        with connected() as cluster:
            try:
                while self.waiting or self.running:
                    self._submit(cluster)
                    heard = cluster.heard([task.stream for task in self.running])
                    for task in [task for task in self.running if task.stream in heard]:
                        yield from self._listen(cluster, task)
            finally:
                cluster.cancel([task.stream for task in self.running])

    def _submit(self, cluster: Cluster) -> None:
        """All tasks that are ready. One that needs what another is learning waits, and then goes where the weights lie."""
        for _ in range(len(self.waiting)):
            task = self.waiting.popleft()
            learning = {other.learned for other in self.running} - {None} - self.homes.keys()
            if task.learned in learning or len(self.running) >= (self.slots or AT_ONCE):
                self.waiting.append(task)
                continue
            files = read_all(self.run_folder, [f"cells/{cell.id}" for cell in task.todo])
            home = self.homes.get(task.learned or "")
            task.stream = cluster.submit(
                self.setup, task.todo, files, self.silence, needs(task.todo), self.slots, home, task.full
            )
            self.running.append(task)

    def _listen(self, cluster: Cluster, task: _Task) -> Iterator[Event]:
        try:
            task.node, event, changes = cluster.next_message(task.stream)
        except Lost as lost:
            yield from self._again(task, str(lost))
            return
        except Refused as refused:
            yield from self._refused(task, str(refused))
            return
        apply(changes, self.run_folder)
        if event is None:
            return
        if event.kind == "failed" and FULL in event.error:
            cluster.cancel([task.stream])
            yield from self._elsewhere(task, event.error)
            return
        if event.kind == "progress" and event.stage == "sample" and task.learned:
            self.homes[task.learned] = task.node
        if event.kind in ("done", "failed"):
            task.todo.popleft()
            task.losses = 0
        yield event

    def _refused(self, task: _Task, cause: str) -> Iterator[Event]:
        if FULL in cause:
            yield from self._elsewhere(task, cause)
            return
        self.running.remove(task)
        for cell in task.todo:
            yield Event(kind="failed", cell=cell.id, error=cause)

    def _elsewhere(self, task: _Task, cause: str) -> Iterator[Event]:
        task.full.add(task.node)
        yield from self._again(task, cause)

    def _again(self, task: _Task, cause: str) -> Iterator[Event]:
        """The task is gone, and nothing that it had told. One that has told of all its cells has merely ended."""
        self.running.remove(task)
        if not task.todo:
            return
        task.losses += 1
        if task.losses < LOSSES:
            yield Event(kind="retried", cell=task.todo[0].id, error=cause)
        else:
            yield Event(kind="failed", cell=task.todo.popleft().id, error=cause)
            task.losses = 0
        if task.todo:
            self.waiting.append(task)
