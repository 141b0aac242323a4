"""The screen during a run: a bar for the run and one for the stage on a terminal, plain lines elsewhere. Everything goes to
stderr."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TaskID, TextColumn, TimeElapsedColumn

from harness.cli.console import stderr_console
from harness.errors import shown
from harness.running.executors import Event

PLAIN_SECONDS = 30.0  # between two lines without a terminal
AT_ONCE = 1.0  # seconds: a cell that takes less was done already and says nothing of the others
BESIDE_NAMES = 54  # columns that stage, bar, count and pace take
ROOMY = 100  # columns of a terminal that has room for the time spent


class Pace:
    """How fast one stage of a cell goes, from where it stood when it was first heard of."""

    def __init__(self, event: Event, now: float) -> None:
        self.stage, self.started, self.before = event.stage, now, event.done

    def text(self, event: Event, now: float) -> str:
        """Tokens per second and the time left, as far as either is known: "85 tokens/s, 2:10 left"."""
        elapsed = now - self.started
        known = []
        if event.tokens and elapsed > 0:
            known.append(f"{event.tokens / elapsed:.0f} tokens/s")
        if event.done < event.total and event.done > self.before and elapsed > 0:
            known.append(_left(elapsed * (event.total - event.done) / (event.done - self.before)))
        return ", ".join(known)


class Paces:
    """The pace of every cell at work."""

    def __init__(self) -> None:
        self.of: dict[str, Pace] = {}

    def text(self, event: Event) -> str:
        now = time.monotonic()
        pace = self.of.get(event.cell)
        if pace is None or pace.stage != event.stage:
            pace = self.of[event.cell] = Pace(event, now)
        return pace.text(event, now)


class RunPace:
    """How many of a run's cells are done, and the time that the others will take if they are like those."""

    def __init__(self, total: int) -> None:
        self.total, self.done, self.at_once = total, 0, 0
        self.started = time.monotonic()
        self.at_work: dict[str, float] = {}  # cell -> when it was taken up

    def event(self, event: Event) -> None:
        if event.kind == "started":
            self.at_work[event.cell] = time.monotonic()
        elif event.kind in ("done", "failed"):
            taken = time.monotonic() - self.at_work.pop(event.cell, self.started)
            self.done += 1
            self.at_once += taken < AT_ONCE

    @property
    def left(self) -> str:
        """Empty until a cell has taken its time."""
        worked = self.done - self.at_once
        if not worked or self.done >= self.total:
            return ""
        return _left((time.monotonic() - self.started) / worked * (self.total - self.done))


class BarDisplay:
    """A bar for the run, and below it one with the stage of the cell at work (of each, where there are several workers)."""

    def __init__(self, progress: Progress, console: Console, total: int) -> None:
        self.progress, self.console = progress, console
        self.tasks: dict[str, TaskID] = {}
        self.paces, self.run = Paces(), RunPace(total)
        self.cells = progress.add_task("run", total=total, stage="cells", pace="")

    def event(self, event: Event) -> None:
        self.run.event(event)
        if event.kind == "started":
            name = short_name(event.cell, self.console.width - BESIDE_NAMES)
            self.tasks[event.cell] = self.progress.add_task(name, total=None, stage="starting", pace="")
        elif event.kind == "progress" and event.cell in self.tasks:
            self.progress.update(
                self.tasks[event.cell],
                completed=event.done,
                total=event.total or None,
                stage=event.stage,
                pace=self.paces.text(event),
            )
        elif event.kind in ("done", "failed"):
            if event.cell in self.tasks:
                self.progress.remove_task(self.tasks.pop(event.cell))
            self.progress.update(self.cells, completed=self.run.done)
        self.progress.update(self.cells, pace=self.run.left)
        say(self.console, event)


class PlainDisplay:
    """Lines for logs and CI: one at each end of a cell, and one every half minute, whatever happens meanwhile."""

    def __init__(self, console: Console, total: int) -> None:
        self.console, self.paces, self.run = console, Paces(), RunPace(total)
        self.at_work: dict[str, str] = {}  # cell -> its stage and pace
        self._ended = threading.Event()

    def event(self, event: Event) -> None:
        self.run.event(event)
        if event.kind == "started":
            self.at_work[event.cell] = "starting"
        elif event.kind == "progress":
            counted = f"{event.stage} {event.done}/{event.total}" if event.total else event.stage
            self.at_work[event.cell] = ", ".join(filter(None, (counted, self.paces.text(event))))
        elif event.kind in ("done", "failed"):
            self.at_work.pop(event.cell, None)
        say(self.console, event)

    def tick(self) -> None:
        """Print how far the run is."""
        run = ", ".join(filter(None, (f"{self.run.done}/{self.run.total} cells", self.run.left)))
        stages = [f"{cell}: {stage}" for cell, stage in list(self.at_work.items())]
        self.console.print("; ".join([run, *stages]), highlight=False, markup=False, soft_wrap=True)

    @contextmanager
    def ticking(self) -> Iterator[PlainDisplay]:
        thread = threading.Thread(target=self._tick, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._ended.set()
            thread.join()

    def _tick(self) -> None:
        while not self._ended.wait(PLAIN_SECONDS):
            self.tick()


def _left(seconds: float) -> str:
    return f"{timedelta(seconds=round(seconds))} left"


def short_name(cell: str, room: int) -> str:
    """A cell's id without its model, seed and key, as far as there is room: "erase--ultra3--goodhart7"."""
    parts = cell.split("--")
    name = "--".join(parts[1:-2]) if len(parts) > 4 else cell
    room = max(room, 12)
    return name if len(name) <= room else f"{name[: room - 1]}…"


def say(console: Console, event: Event) -> None:
    """One line that a reader of the log needs."""
    if event.kind == "done":
        console.print(f"[green]done[/]    {event.cell}", highlight=False, soft_wrap=True)
    elif event.kind == "failed":
        console.print(f"[red]failed[/]  {event.cell}: {_plain(event.error)}", highlight=False, soft_wrap=True)
    elif event.kind == "retried":
        console.print(f"[yellow]again[/]   {event.cell}: {_plain(event.error)}", highlight=False, soft_wrap=True)


def _columns(width: int) -> tuple[ProgressColumn, ...]:
    stage = TextColumn("[dim]{task.fields[stage]}")
    pace = TextColumn("[dim]{task.fields[pace]}")
    bar = BarColumn(20 if width >= ROOMY else 8)
    elapsed = (TimeElapsedColumn(),) if width >= ROOMY else ()
    return TextColumn("{task.description}"), stage, bar, MofNCompleteColumn(), *elapsed, pace


def _plain(text: str) -> str:
    return escape(shown(text))


@contextmanager
def display(total: int) -> Iterator[BarDisplay | PlainDisplay]:
    console = stderr_console()
    if not console.is_terminal:
        with PlainDisplay(console, total).ticking() as plain:
            yield plain
        return
    with Progress(*_columns(console.width), console=console, transient=True) as progress:
        yield BarDisplay(progress, console, total)


@contextmanager
def planning() -> Iterator[Callable[[str], None]]:
    """What planning reads, on a line that disappears when it is done; nothing without a terminal."""
    console = stderr_console()
    if not console.is_terminal:
        yield lambda what: None
        return
    with console.status("planning") as status:
        yield lambda what: status.update(f"planning: {_plain(what)}")


@contextmanager
def stage_progress() -> Iterator[Callable[[str, int, int], None]]:
    """One bar per stage of a long job; nothing without a terminal."""
    console = stderr_console()
    with Progress(
        *_columns(console.width), console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        tasks: dict[str, TaskID] = {}

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = progress.add_task(stage, total=total, stage="", pace="")
            progress.update(tasks[stage], completed=done, total=total)

        yield report
