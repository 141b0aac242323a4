"""`python -m harness.running.executors.worker FD DRIVER`: read a setup and then cells from stdin, write events to the pipe
FD, and end when the process DRIVER is gone.

A worker is fresh for each model that is not small, and persistent over the cells that share it. Its stdout and stderr belong
to the libraries it runs, and go to the current cell's log.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import os
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import TextIO

from harness.errors import HarnessError, described
from harness.lm_eval.backends.redaction import redact
from harness.registry.catalogue import load_catalogue
from harness.registry.plugins import load_plugins
from harness.running.cell import CellRunner
from harness.running.executors.messages import Assignment, Event, WorkerSetup
from harness.store.files import make_folder, writing
from harness.store.run import RunStore

PROGRESS_SECONDS = 0.2  # seconds between two reports, at least
DRIVER_SECONDS = 0.5  # seconds between two checks that the driver is alive
PARENT_DEATH_SIGNAL = 1  # of prctl


class Reporter:
    """Writes events. Progress is thinned out so that reporting does not slow a fast stage down."""

    def __init__(self, pipe: TextIO) -> None:
        self.pipe = pipe
        self.cell = ""
        self._last = ("", 0.0)

    def send(self, event: Event) -> None:
        self.pipe.write(event.model_dump_json() + "\n")
        self.pipe.flush()

    def progress(self, stage: str, done: int, total: int, tokens: int = 0) -> None:
        now = time.monotonic()
        stage_before, when = self._last
        if stage == stage_before and done < total and now - when < PROGRESS_SECONDS:
            return
        self._last = (stage, now)
        self.send(Event(kind="progress", cell=self.cell, stage=stage, done=done, total=total, tokens=tokens))


def die_with_driver() -> None:
    """End when the driver is gone, even if it was killed: an old worker must not write to the cells of a resumed run."""
    driver = int(sys.argv[2])  # told, not looked up: it may have died while this process imported

    def watch() -> None:
        while os.getppid() == driver:
            time.sleep(DRIVER_SECONDS)
        os._exit(1)

    with contextlib.suppress(OSError, AttributeError):  # Linux: at once, before a resumed run can begin
        ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != driver:
        os._exit(1)
    threading.Thread(target=watch, daemon=True).start()


def main() -> None:
    die_with_driver()
    pipe = os.fdopen(int(sys.argv[1]), "w", encoding="utf-8")
    reporter = Reporter(pipe)
    setup = WorkerSetup.model_validate_json(sys.stdin.readline())
    plugins = load_plugins([Path(path) for path in setup.plugins_dirs], setup.disabled, setup.requested)
    catalogue = load_catalogue(plugins, [Path(path) for path in setup.registries])
    runner = CellRunner(RunStore(Path(setup.run)), catalogue, reporter.progress)
    for line in sys.stdin:
        assignment = Assignment.model_validate_json(line)
        reporter.cell = assignment.cell.id
        reporter.send(Event(kind="started", cell=assignment.cell.id))
        try:
            _redirect(Path(assignment.log))
            runner(assignment.cell)
        except HarnessError as error:
            _log(redact(f"error: {error}" if error.__cause__ is None else traceback.format_exc()))
            reporter.send(Event(kind="failed", cell=assignment.cell.id, error=redact(str(error))))
        except Exception as error:
            _log(redact(traceback.format_exc()))
            cause = redact(described(error))[:500]
            reporter.send(
                Event(kind="failed", cell=assignment.cell.id, error=f"{cause} (traceback in {assignment.log})")
            )
        else:
            reporter.send(Event(kind="done", cell=assignment.cell.id))


def _exit() -> None:
    """End now that exit handlers have run. To take the interpreter apart with torch in it takes longer than many a cell;
    it is left to where a thread is still at work, which Python waits for."""
    if any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread()):
        return
    atexit._run_exitfuncs()
    _flush()
    os._exit(0)


def _log(text: str) -> None:
    """A line for the cell's log. On a full disk it is lost: the driver is told the cause in any case."""
    with contextlib.suppress(OSError):
        print(text, file=sys.stderr)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()


def _redirect(log: Path) -> None:
    """Redirect file descriptors 1 and 2, and so everything that libraries print, to the cell's log."""
    make_folder(log.parent)
    _flush()
    with writing(log):
        handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    os.close(handle)


if __name__ == "__main__":
    main()
    _exit()
