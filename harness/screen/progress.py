"""The screen during a run: a bar for the run and one for the stage on a terminal, plain lines elsewhere. Everything goes to
stderr."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TaskID, TextColumn, TimeElapsedColumn

from harness.errors import shown
from harness.running.driver import Follower
from harness.running.executors import Event
from harness.screen.console import stderr_console
from harness.screen.notebook import NotebookDisplay
from harness.screen.pace import Paces, RunPace

PLAIN_SECONDS = 30.0  # between two lines without a terminal
BESIDE_NAMES = 54  # columns that stage, bar, count and pace take
ROOMY = 100  # columns of a terminal that has room for the time spent


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
def display(total: int) -> Iterator[Follower]:
    """What suits the place: a notebook, a terminal, a log."""
    console = stderr_console()
    if console.is_jupyter:
        yield NotebookDisplay(total)
        return
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
