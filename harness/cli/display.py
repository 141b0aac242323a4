"""The screen during a run: a bar per running cell on a terminal, plain lines elsewhere. Everything goes to stderr."""

from __future__ import annotations

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

PLAIN_SECONDS = 30.0  # between two lines about one stage, without a terminal


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
            left = round(elapsed * (event.total - event.done) / (event.done - self.before))
            known.append(f"{timedelta(seconds=left)} left")
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


class BarDisplay:
    """One bar per cell at work, with its stage."""

    def __init__(self, progress: Progress, console: Console, total: int) -> None:
        self.progress, self.console = progress, console
        self.tasks: dict[str, TaskID] = {}
        self.paces = Paces()
        self.cells = progress.add_task("cells", total=total, stage="", pace="") if total > 1 else None

    def event(self, event: Event) -> None:
        if event.kind == "started":
            self.tasks[event.cell] = self.progress.add_task(event.cell, total=None, stage="starting", pace="")
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
            if self.cells is not None:
                self.progress.advance(self.cells)
        say(self.console, event)


class PlainDisplay:
    """Lines for logs and CI."""

    def __init__(self, console: Console) -> None:
        self.console, self.paces = console, Paces()
        self.last_line: dict[tuple[str, str], float] = {}

    def event(self, event: Event) -> None:
        if event.kind == "progress":
            key, now, pace = (event.cell, event.stage), time.monotonic(), self.paces.text(event)
            first = self.last_line.setdefault(key, now)
            if now - first >= PLAIN_SECONDS:
                self.last_line[key] = now
                line = ", ".join(filter(None, (f"{event.cell}: {event.stage} {event.done}/{event.total}", pace)))
                self.console.print(line, highlight=False, soft_wrap=True)
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
    pace = TextColumn("[dim]{task.fields[pace]}")
    return TextColumn("{task.description}"), stage, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), pace


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
                tasks[stage] = progress.add_task(stage, total=total, stage="", pace="")
            progress.update(tasks[stage], completed=done, total=total)

        yield report
