"""`harness show`: the cells of a run, or the transcripts of one."""

from __future__ import annotations

import json as json_module
from typing import Annotated

import typer

from harness.cli import options as o
from harness.cli.console import plain_table, stdout_console
from harness.errors import plural


def show(
    run: o.RunFolder,
    cell: Annotated[str | None, typer.Option(help="Part of a cell's id.")] = None,
    item: Annotated[str | None, typer.Option(help="Part of an item's id.")] = None,
    label: Annotated[str | None, typer.Option(help="A quadrant (proxy_only) or a suite's label (reward_hack).")] = None,
    limit: Annotated[int, typer.Option(help="Maximum number of transcripts.")] = 20,
    json: o.Json = False,
) -> None:
    from harness.planning.cells import Plan
    from harness.report.transcripts import transcripts
    from harness.store.run import RunStore

    store = RunStore(run)
    plan = Plan.of(store)
    if cell is None and item is None and label is None:
        _cells(plan, store, json)
        return
    found = transcripts(plan, store, cell, item, label)
    shown = [entry for _, entry in zip(range(limit), found, strict=False)]
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
        console.print(entry.verdict, style="bold", markup=False, highlight=False)
    print(plural(len(shown), "transcript") + (f" (more with --limit {limit * 5})" if len(shown) == limit else ""))


def _cells(plan, store, json: bool) -> None:
    rows = []
    for cell in plan.cells:
        state = store.cell(cell.id).state
        rows.append(
            {"cell": cell.id, "state": state.state, "seconds": sum(state.seconds.values()), "error": state.error}
        )
    if json:
        print(json_module.dumps(rows, indent=1))
        return
    table = plain_table("cell", "state", "seconds", "error")
    for row in rows:
        table.add_row(row["cell"], row["state"], f"{row['seconds']:.1f}", row["error"] or "")
    stdout_console().print(table, markup=False)
