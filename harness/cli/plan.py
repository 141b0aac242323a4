"""`harness plan`: what a run would do, before it does it."""

from __future__ import annotations

import json as json_module
import sys
from typing import TYPE_CHECKING

import typer

from harness.cli import options as o
from harness.cli.context import doors_of
from harness.cli.run import RUNS
from harness.cli.screen import plain_table, screen
from harness.experiment import Experiment

if TYPE_CHECKING:
    from harness.plan import Plan
    from harness.store import RunStore


def add_to(app: typer.Typer) -> None:
    app.command("plan", help="What would run: cells, cached stages, sizes, generations. Nothing is run.")(plan)


@o.takes_experiment
def plan(
    context: typer.Context,
    experiment: Experiment,
    out: o.Out = None,
    json: o.Json = False,
) -> None:
    from harness.plan import make_plan
    from harness.store import RunStore

    made = make_plan(experiment, doors_of(context).catalogue)
    for line in made.separations:
        print(line, file=sys.stderr)
    store = RunStore(out or RUNS / made.name)
    rows = _rows(made, store)
    if json:
        contrasts = [contrast.model_dump() for contrast in made.contrasts]
        print(json_module.dumps({"run": str(store.folder), "cells": rows, "contrasts": contrasts}, indent=1))
        return
    table = plain_table("cell", "replaced", "bits/weight", "generations", "stored", "weights")
    for row in rows:
        replaced = f"{row['layers_replaced']}/{row['linears']}" if row["linears"] else "-"
        table.add_row(row["cell"], replaced, row["size"], str(row["generations"]), str(row["stored"]), row["weights"])
    screen().print(table, markup=False)
    total = sum(row["generations"] - row["stored"] for row in rows)
    print(f"{len(rows)} cells, {len(made.contrasts)} contrasts, {total} generations to do; run folder {store.folder}")


def _rows(plan: Plan, store: RunStore) -> list[dict]:
    from harness.paths import artefact_folder

    rows = []
    for cell in plan.cells:
        size = plan.sizes.get(cell.compressed_key or "")
        made = cell.compressed_key is None or (artefact_folder(cell.compressed_key) / "config.json").exists()
        stored = sum(row.reply is not None for row in store.cell(cell.id).samples() if row.repeat < cell.settings.runs)
        rows.append(
            {
                "cell": cell.id,
                "layers_replaced": size.replaced if size else None,
                "linears": size.linears if size else None,
                "bits_per_weight": size.bits_per_weight if size else None,
                "stored_bits": size.stored_bits if size else None,
                "size": size.described if size else "-",
                "generations": cell.generations,
                "stored": min(stored, cell.generations),
                "weights": "source" if cell.model_key == cell.model.digest else "cached" if made else "to make",
            }
        )
    return rows
