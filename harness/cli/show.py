"""`harness show`: the cells of a run, or the transcripts of one."""

from __future__ import annotations

import json as json_module
import sys
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import options as o
from harness.cli.console import stdout_console
from harness.cli.context import global_options
from harness.errors import PluginError, UsageError, plural

if TYPE_CHECKING:
    from harness.planning.cells import Cell, Plan
    from harness.report.transcripts import Transcript
    from harness.store.run import RunStore


def show(
    context: typer.Context,
    run: o.RunFolder,
    cell: Annotated[str | None, typer.Option(help="Part of a cell's id.")] = None,
    item: Annotated[str | None, typer.Option(help="Part of an item's id.")] = None,
    label: Annotated[
        str | None, typer.Option(help="An outcome as the tables call it: DBDK, hack, Goodhart gap, does, error …")
    ] = None,
    limit: Annotated[int, typer.Option(help="Maximum number of transcripts.", min=1)] = 20,
    unlike: Annotated[
        str | None,
        typer.Option(
            metavar="trainer|compressor|model",
            help="Most telling first: what one of these groups says and the others hardly do.",
        ),
    ] = None,
    json: o.Json = False,
    wide: o.Wide = False,
) -> None:
    from harness.planning.cells import Plan
    from harness.report.collect import axes_of
    from harness.report.transcripts import transcripts
    from harness.report.vocabulary import Words
    from harness.store.run import RunStore

    store = RunStore(run)
    plan = Plan.of(store)
    if unlike is not None:
        refuse_unknown_factor(unlike)
    if cell is None and item is None and label is None and unlike is None:
        _cells(plan, store, json, wide)
        return
    try:
        axes = axes_of(plan, global_options(context).catalogue)
    except PluginError:  # without its plugin a run can be read, in the core's own words
        if label is not None:
            raise
        axes = {}
    if label is None:
        found = transcripts(plan, store, cell, item, axes=axes)
    else:
        words = Words.of(plan, store, axes)
        words.refuse_unknown(label)
        found = transcripts(plan, store, cell, item, lambda suite, row: words.means(label, suite, row), axes)
    shown = list(islice(found, limit)) if unlike is None else _unlike(plan, list(found), unlike, limit)
    if not shown and label is None and unlike is None:
        raise UsageError(f"no sample of {run} has {_asked(cell, item)}", f"`harness show {run}` lists its cells")
    if json:
        print(json_module.dumps([entry.model_dump(mode="json") for entry in shown], indent=1))
        return
    console = stdout_console()
    for entry in shown:
        console.rule(f"{entry.cell} · {entry.item} · run {entry.repeat}", align="left")
        for turn in entry.turns:
            console.print(f"▸ {turn.role}", style="bold", markup=False)
            console.print(turn.prompt, style="dim", markup=False, highlight=False)
            console.print(turn.reply, markup=False, highlight=False)
        if entry.unlike is not None:
            console.print(f"{entry.group} · unlike the others by {entry.unlike:.2f}", markup=False, highlight=False)
        console.print(entry.verdict, style="bold", markup=False, highlight=False)
    print(plural(len(shown), "transcript") + (f" (more with --limit {limit * 5})" if len(shown) == limit else ""))


def refuse_unknown_factor(unlike: str) -> None:
    from harness.report.review import FACTORS

    if unlike not in FACTORS:
        raise UsageError(f"--unlike {unlike}", f"one of {', '.join(FACTORS)}")


def _unlike(plan: Plan, found: list[Transcript], factor: str, limit: int) -> list[Transcript]:
    """Those to read first; none, and a line that says so, where no group says what the others do not. Raises UsageError where
    there is one group."""
    from harness.report.review import review

    groups = {cell.id: _group(cell, factor) for cell in plan.cells}
    owners = [groups[entry.cell] for entry in found]
    if len(set(owners)) < 2:
        raise UsageError(
            f"these samples are of {plural(len(set(owners)), factor)}: there is nothing to be unlike",
            "choose a run, or another --unlike, with several",
        )
    reviewed = review(owners, lambda places: [found[at].free for at in places], limit)
    if not reviewed.first:
        said = f"of {plural(reviewed.looked, 'free reply')} none is more of one {factor} than of the others"
        print(said, file=sys.stderr)
    return [found[at].model_copy(update={"group": owners[at], "unlike": share}) for at, share in reviewed.first]


def _group(cell: Cell, factor: str) -> str:
    """The label of a cell's arm, seeds and everything else pooled."""
    return {"trainer": cell.trainer.label, "compressor": cell.compressor.label, "model": cell.model.name}[factor]


def _asked(cell: str | None, item: str | None) -> str:
    parts = [f"{part!r} in its {what}'s id" for what, part in (("cell", cell), ("item", item)) if part is not None]
    return " and ".join(parts)


def _cells(plan: Plan, store: RunStore, json: bool, wide: bool) -> None:
    from harness.report.table import Column, Table, text_cell
    from harness.report.terminal import print_table

    states = {cell.id: store.cell(cell.id).state for cell in plan.cells}
    if json:
        rows = [
            {"cell": name, "state": state.state, "seconds": sum(state.seconds.values()), "error": state.error}
            for name, state in states.items()
        ]
        print(json_module.dumps(rows, indent=1))
        return
    columns: tuple[Column, ...] = (
        Column("cell", "cell"),
        Column("state", "state", "left", -1),
        Column("seconds", "seconds", "right", 1),
    )
    columns += (Column("error", "error", "left", -1),) if any(state.error for state in states.values()) else ()
    lines = [
        (name, state.state, f"{sum(state.seconds.values()):.1f}", state.error or "") for name, state in states.items()
    ]
    table = Table("cells", "", columns, tuple(tuple(map(text_cell, line[: len(columns)])) for line in lines))
    print_table(table, stdout_console(), wide)
