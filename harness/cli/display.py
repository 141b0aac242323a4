"""The screen during a run: a bar per running cell on a terminal, plain lines elsewhere. Everything goes to stderr."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TaskID, TextColumn, TimeElapsedColumn

from harness.cli.console import stderr_console
from harness.errors import shown
from harness.running.executors import Event

PLAIN_SECONDS = 10.0  # between two lines about one stage, without a terminal


class BarDisplay:
    """One bar per cell at work, with its stage."""

    def __init__(self, progress: Progress, console: Console, total: int) -> None:
        self.progress, self.console = progress, console
        self.tasks: dict[str, TaskID] = {}
        self.cells = progress.add_task("cells", total=total, stage="") if total > 1 else None

    def event(self, event: Event) -> None:
        if event.kind == "started":
            self.tasks[event.cell] = self.progress.add_task(event.cell, total=None, stage="starting")
        elif event.kind == "progress" and event.cell in self.tasks:
            self.progress.update(
                self.tasks[event.cell], completed=event.done, total=event.total or None, stage=event.stage
            )
        elif event.kind in ("done", "failed"):
            if event.cell in self.tasks:
                self.progress.remove_task(self.tasks.pop(event.cell))
            if self.cells is not None:
                self.progress.advance(self.cells)
        say(self.console, event)


class PlainDisplay:
    """Lines for logs and CI."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.last_line: dict[tuple[str, str], float] = {}

    def event(self, event: Event) -> None:
        if event.kind == "progress":
            key, now = (event.cell, event.stage), time.monotonic()
            first = self.last_line.setdefault(key, now)
            if now - first >= PLAIN_SECONDS:
                self.last_line[key] = now
                self.console.print(f"{event.cell}: {event.stage} {event.done}/{event.total}", highlight=False)
        say(self.console, event)


def say(console: Console, event: Event) -> None:
    """One line that a reader of the log needs."""
    if event.kind == "done":
        console.print(f"[green]done[/]    {event.cell}", highlight=False, soft_wrap=True)
    elif event.kind == "failed":
        console.print(f"[red]failed[/]  {event.cell}: {_plain(event.error)}", highlight=False, soft_wrap=True)
    elif event.kind == "retried":
        console.print(f"[yellow]again[/]   {event.cell}: {_plain(event.error)}", highlight=False, soft_wrap=True)


def _columns() -> tuple[ProgressColumn, ...]:
    stage = TextColumn("[dim]{task.fields[stage]}")
    return TextColumn("{task.description}"), stage, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()


def _plain(text: str) -> str:
    return escape(shown(text))


@contextmanager
def display(total: int) -> Iterator[BarDisplay | PlainDisplay]:
    console = stderr_console()
    if not console.is_terminal:
        yield PlainDisplay(console)
        return
    with Progress(*_columns(), console=console, transient=True) as progress:
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
    with Progress(*_columns(), console=console, transient=True, disable=not console.is_terminal) as progress:
        tasks: dict[str, TaskID] = {}

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = progress.add_task(stage, total=total, stage="")
            progress.update(tasks[stage], completed=done, total=total)

        yield report
