"""`harness runs`: run folders, how far each is, and what it is of."""

from __future__ import annotations

import json as json_module
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli import options as o
from harness.cli.console import stdout_console
from harness.errors import HarnessError, UsageError
from harness.store.run import RUNS

if TYPE_CHECKING:
    from harness.store.run import RunStore

TIMES = ((86400, "d"), (3600, "h"), (60, "min"))


def runs(
    folder: Annotated[Path, typer.Argument(metavar="[FOLDER]", help="Where run folders lie.")] = RUNS,
    json: o.Json = False,
    wide: o.Wide = False,
) -> None:
    from harness.report.table import Column, Table, text_cell
    from harness.report.terminal import print_table
    from harness.store.run import RunStore

    if not folder.is_dir():
        raise UsageError(f"no folder {folder}", "runs lie in ./runs unless --out said otherwise; name their folder")
    stores = [RunStore(path.parent) for path in [*folder.glob("plan.json"), *folder.glob("*/plan.json")]]
    found = sorted(map(_described, stores), key=lambda one: one["modified"], reverse=True)
    if json:
        print(json_module.dumps(found, indent=1))
        return
    if not found:
        print(f"no run in {folder}")
        return
    columns = (
        Column("run", "run"),
        Column("state", "state", "left", -1),
        Column("of", "of", "left", 1),
        Column("age", "age", "right", 2),
    )
    lines = [(one["run"], one["state"], one["of"], _age(one["modified"])) for one in found]
    print_table(
        Table("runs", "", columns, tuple(tuple(map(text_cell, line)) for line in lines)), stdout_console(), wide
    )


def _described(store: RunStore) -> dict[str, Any]:
    from harness.planning.cells import Plan
    from harness.report.coverage import stamp

    found: dict[str, Any] = {"run": str(store.folder), "modified": store.plan_path.stat().st_mtime, "of": ""}
    try:
        plan = Plan.of(store)
        states = [store.cell(cell.id).state.state for cell in plan.cells]
    except HarnessError as error:
        return {**found, "state": f"unreadable: {error.cause}", "cells": None, "done": None, "failed": None}
    counts = {"cells": len(states), "done": states.count("done"), "failed": states.count("failed")}
    return {**found, **counts, "of": stamp(plan), "state": _state(store, **counts)}


def _state(store: RunStore, cells: int, done: int, failed: int) -> str:
    parts = ["done" if done == cells else f"{done}/{cells} cells done"]
    if failed:
        parts.append(f"{failed} failed")
    if _at_work(store):
        parts.append("running")
    return ", ".join(parts)


def _at_work(store: RunStore) -> bool:
    from harness.store.locks import LOCK, held

    lock = store.folder / LOCK
    if not lock.is_file():
        return False
    with held(lock) as free:
        return not free


def _age(modified: float) -> str:
    seconds = time.time() - modified
    return next((f"{seconds / size:.0f} {unit}" for size, unit in TIMES if seconds >= size), "now")
