"""Local workers: a fresh process per slot and model, persistent over the cells that share the model or its parts. One whose
model is small goes on to the next: to start anew would take longer than many a cell of it.

If a worker crashes, hangs or is killed, a new one retries its cell once and takes over the cells that wait behind it.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path

from harness.planning.cells import Cell
from harness.running.executors.groups import bundles
from harness.running.executors.messages import Assignment, Event, WorkerSetup

POLL_SECONDS = 0.2
ATTEMPTS = 2  # per cell whose worker died; a cell that fails with an error is not retried
SMALL = 1 << 26  # bytes of a model's folder: what is left of it in a process cannot crowd out the next one


class LocalExecutor:
    """`slots` workers at a time, by default one. One that reports nothing for `silence` seconds counts as hung."""

    def __init__(self, setup: WorkerSetup, slots: int | None = None, silence: float = 1800.0) -> None:
        self.setup = setup
        self.slots = slots or 1
        self.silence = silence
        self.workers: list[_Worker] = []

    def run(self, cells: Iterable[Cell]) -> Iterator[Event]:
        waiting = deque(bundles(cells, self.slots))
        events: queue.Queue[tuple[_Worker, Event | None]] = queue.Queue()
        try:
            while waiting or self.workers:
                while waiting and len(self.workers) < self.slots:
                    self.workers.append(_Worker(self.setup, waiting.popleft(), events, self.slots))
                yield from self._listen(events, waiting)
        finally:
            for worker in self.workers:
                worker.kill()

    def _listen(self, events: queue.Queue[tuple[_Worker, Event | None]], waiting: deque[list[Cell]]) -> Iterator[Event]:
        """Wait for one event, or for a worker to fall silent."""
        try:
            worker, event = events.get(timeout=POLL_SECONDS)
        except queue.Empty:
            for worker in self.workers:
                if worker.silent_for() > self.silence:
                    worker.kill(f"hung: no sign of life for {self.silence:.0f} s; killed (--silence grants more)")
            return
        if event is None:  # the worker's pipe is closed, so the worker has ended
            yield from worker.reap()
            if not worker.todo:
                self.workers.remove(worker)
            else:
                self.workers[self.workers.index(worker)] = worker.replacement()
            return
        worker.last = time.monotonic()
        if event.kind in ("done", "failed"):
            ended = worker.end_cell(failed=event.kind == "failed")
            if not worker.todo and waiting and worker.sound and _small(ended):
                worker.todo.extend(waiting.popleft())
            worker.assign()
        yield event


class _Worker:
    """One process and its cells, in order. `todo[0]` is the current one."""

    def __init__(
        self, setup: WorkerSetup, cells: list[Cell], events: queue.Queue, slots: int, attempts: int = 0
    ) -> None:
        self.setup, self.events, self.slots = setup, events, slots
        self.todo = deque(cells)
        self.attempts = attempts  # at todo[0] that killed the worker
        self.cause: str | None = None
        self.failed = False
        self.last = time.monotonic()
        read_end, write_end = os.pipe()
        threads = max(1, (os.cpu_count() or 1) // slots)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "harness.running.executors.worker", str(write_end), str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=None,
            pass_fds=[write_end],
            start_new_session=True,  # its children die with it, and Ctrl-C reaches the driver alone
            text=True,
            env={"OMP_NUM_THREADS": str(threads), "TOKENIZERS_PARALLELISM": "false", **os.environ},
        )
        os.close(write_end)
        threading.Thread(target=self._read, args=(read_end,), daemon=True).start()
        self._send(setup.model_dump_json())
        self.assign()

    def _read(self, read_end: int) -> None:
        with os.fdopen(read_end, encoding="utf-8") as pipe:
            for line in pipe:
                self.events.put((self, Event.model_validate_json(line)))
        self.events.put((self, None))

    def _send(self, line: str) -> None:
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it is dead: the reader says so
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()

    def assign(self) -> None:
        """Begin the next cell, or end."""
        if self.todo:
            cell = self.todo[0]
            log = Path(self.setup.run) / "cells" / cell.id / "log.txt"
            self._send(Assignment(cell=cell, log=str(log)).model_dump_json())
        elif self.process.stdin is not None:
            self.process.stdin.close()  # no cells left: it ends by itself

    def end_cell(self, failed: bool) -> Cell:
        self.attempts = 0
        self.failed |= failed
        return self.todo.popleft()

    @property
    def sound(self) -> bool:
        """Whether it may go on to another model: no cell of it has failed, and it was not told to end."""
        return not self.failed and self.cause is None

    def silent_for(self) -> float:
        return time.monotonic() - self.last

    def kill(self, cause: str | None = None) -> None:
        self.cause = cause
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def reap(self) -> Iterator[Event]:
        """The process has ended. If cells are left, the current one is at fault: it is retried once unless it hung."""
        code = self.process.wait()
        if not self.todo:
            return
        self.attempts += 1
        cause = self.cause or _cause_of_death(code)
        if self.attempts < ATTEMPTS and self.cause is None:
            yield Event(kind="retried", cell=self.todo[0].id, error=cause)
            return
        cell = self.todo.popleft()
        self.attempts = 0
        yield Event(kind="failed", cell=cell.id, error=cause)

    def replacement(self) -> _Worker:
        return _Worker(self.setup, list(self.todo), self.events, self.slots, self.attempts)


def _small(cell: Cell) -> bool:
    """Of a model that is loaded here: what a backend holds may stay with its process."""
    if not cell.model.path or cell.model.backend is not None:
        return False
    try:
        return sum(file.stat().st_size for file in Path(cell.model.path).iterdir()) <= SMALL
    except OSError:  # moved away meanwhile: the next cell says so
        return False


def _cause_of_death(code: int) -> str:
    if code == -signal.SIGKILL:
        return "its worker was killed (signal 9), most often for want of memory; try a smaller --batch-size"
    if code < 0:
        return f"its worker crashed ({signal.Signals(-code).name})"
    return f"its worker ended with exit code {code}"
