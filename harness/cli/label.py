"""`harness label`: read a run's replies one by one, so that the error of its grader can be measured."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import options as o
from harness.cli.context import global_options
from harness.errors import UsageError, plural

if TYPE_CHECKING:
    from rich.console import Console

    from harness.contract import Labelling, Reading
    from harness.planning.cells import Plan
    from harness.registry.catalogue import Catalogue
    from harness.report.labels import ToRead
    from harness.store.labels import Answer

KEYS: dict[str, Answer] = {"y": "yes", "n": "no", "s": "skip"}
QUIT = ("q", "\x04", "")  # Ctrl-D, and the end of the terminal


def label(
    context: typer.Context,
    run: o.RunFolder,
    tasks: Annotated[str | None, typer.Option("--tasks", "-t", help="The suite, where the run has several.")] = None,
    reading: Annotated[str | None, typer.Option(help="The reading to check, where the suite has several.")] = None,
    cell: Annotated[str | None, typer.Option(help="Only replies of cells whose id contains this.")] = None,
    seed: Annotated[int, typer.Option(help="Of the random order.")] = 0,
) -> None:
    from harness.cli.console import stdout_console
    from harness.planning.cells import Plan
    from harness.report.labels import answered, replies_to_read
    from harness.store.labels import read_labels
    from harness.store.locks import held
    from harness.store.run import RunStore

    if not sys.stdin.isatty():
        raise UsageError("harness label asks on a terminal, and its input is none", "run it without a pipe")
    store = RunStore(run)
    plan = Plan.of(store)
    suite, chosen, labelling = reading_of(plan, global_options(context).catalogue, tasks, reading)
    cells = [one for one in plan.cells if one.suite.label == suite and (cell is None or cell in one.id)]
    if not cells:
        raise UsageError(f"no cell of {suite} contains {cell!r}", f"`harness show {run}` lists them")
    with held(store.folder / ".labels.lock") as free:
        if not free:
            raise UsageError(f"another process is labelling {run}", "wait for it")
        replies = replies_to_read(cells, store, labelling.role, seed)
        if not replies:
            raise UsageError(f"no reply to label in {run}", f"its cells hold no reply to {labelling.role!r}")
        done = answered(read_labels(run).rows, suite, chosen.name)
        todo = [one for one in replies if one.key not in done]
        ask(stdout_console(), todo, len(replies), suite, chosen, labelling, run)
        rows = [row for row in read_labels(run).rows if (row.suite, row.reading) == (suite, chosen.name)]
    given = Counter(row.label for row in rows)
    told = ", ".join(f"{given[answer]} {answer}" for answer in KEYS.values())
    print(f"{plural(len(rows), 'label')} ({told}); `harness report {run}` measures the error with them")


def reading_of(
    plan: Plan, catalogue: Catalogue, tasks: str | None, reading: str | None
) -> tuple[str, Reading, Labelling]:
    """The suite and the reading to check. Raises UsageError naming the choice where there is none or several."""
    from harness.contract import TaskSuiteSpec

    known: dict[str, tuple[Reading, ...]] = {}
    for cell in plan.cells:
        spec, _ = catalogue.spec("tasks", cell.suite.plugin)
        axes = spec.axes_under(cell.suite.params) if isinstance(spec, TaskSuiteSpec) else None
        known[cell.suite.label] = axes.labelled() if axes else ()
    able = {suite: readings for suite, readings in known.items() if readings}
    if tasks is not None and tasks not in known:
        raise UsageError(f"this run has no suite {tasks!r}", f"it has {', '.join(known)}")
    if not able or (tasks is not None and tasks not in able):
        cause = f"nothing of {tasks or ', '.join(known)} is left to a reader's judgement"
        raise UsageError(cause, f"with replies to label: {', '.join(able) or 'none'}")
    if tasks is None and len(able) > 1:
        raise UsageError("this run has several suites to label", f"choose one with --tasks: {', '.join(able)}")
    suite = tasks or next(iter(able))
    named = {one.name: one for one in able[suite]}
    if reading is None and len(named) > 1:
        raise UsageError(f"{suite} has several readings to label", f"choose with --reading: {', '.join(named)}")
    if reading is not None and reading not in named:
        raise UsageError(f"{suite} has no reading {reading!r} to label", f"it has {', '.join(named)}")
    found = named[reading] if reading else next(iter(named.values()))
    assert found.labelling is not None
    return suite, found, found.labelling


def ask(
    console: Console,
    replies: Sequence[ToRead],
    total: int,
    suite: str,
    reading: Reading,
    labelling: Labelling,
    run: Path,
) -> None:
    """Show the replies one by one, without verdict and arm. Each answer is on the disk before the next is shown."""
    from harness.store.labels import LabelRow, append_labels

    with pressed_keys() as next_key:
        for number, one in enumerate(replies, total - len(replies) + 1):
            show(console, one, f"{number} of {total}", labelling.question)
            answer = None
            while answer is None:
                key = next_key()
                if key in QUIT:
                    return
                answer = KEYS.get(key)
            console.print(answer, style="bold")
            cell, item, repeat = one.samples[0]
            row = LabelRow(
                suite=suite, reading=reading.name, cell=cell, item=item, repeat=repeat, text=one.key, label=answer
            )
            append_labels(run, [row])


@contextmanager
def pressed_keys() -> Iterator[Callable[[], str]]:
    """Keys as they are pressed, without Enter and echo. One that is pressed early waits for its turn."""
    import termios
    import tty

    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    tty.setcbreak(terminal, termios.TCSADRAIN)
    try:
        yield lambda: os.read(terminal, 1).decode("ascii", "replace").lower()
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def show(console: Console, one: ToRead, place: str, question: str) -> None:
    console.rule(place, align="left")
    for title, text in (("asked", one.question), ("answered", one.reply or "(nothing)")):
        console.print(f"▸ {title}", style="bold", markup=False)
        console.print(text, markup=False, highlight=False)
    for line in (f"▸ {question}", "y yes · n no · s skip · q quit"):
        console.print(line, style="bold", markup=False, highlight=False)
