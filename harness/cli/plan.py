"""`harness plan`: what a run would do, before it does it."""

from __future__ import annotations

import json as json_module
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli import options as o
from harness.cli.console import stdout_console
from harness.cli.context import global_options
from harness.errors import plural, shown
from harness.planning.experiment import Experiment

if TYPE_CHECKING:
    from harness.planning.cells import Cell, Plan
    from harness.registry.catalogue import Catalogue
    from harness.report.table import Table
    from harness.running.outlook import StageOutlook
    from harness.store.run import RunStore


@o.takes_experiment
def plan(
    context: typer.Context,
    experiment: Experiment,
    out: o.Out = None,
    json: o.Json = False,
    wide: o.Wide = False,
    estimate: Annotated[
        bool,
        typer.Option("--estimate", help="Memory, disk and time of each compression, from a dry run of one block."),
    ] = False,
) -> None:
    from harness.cli.planned import planned

    catalogue = global_options(context).catalogue
    made, store = planned(experiment, catalogue, out)
    describe(made, store, catalogue, json, wide, estimate)


def describe(
    plan: Plan, store: RunStore, catalogue: Catalogue, json: bool = False, wide: bool = False, estimate: bool = False
) -> None:
    """Print what running the plan in that folder would do."""
    from harness.planning.power import planned_power
    from harness.report.backends import decoding_notes
    from harness.report.terminal import print_table
    from harness.running.outlook import outlook

    for line in [note for cell in plan.cells for note in decoding_notes(cell, store.cell(cell.id))]:
        print(shown(line), file=sys.stderr)
    stages = outlook(plan, store, catalogue)
    rows = [_row(cell, plan, store, stages[cell.id]) for cell in plan.cells]
    power = list(planned_power(plan, store, catalogue))
    estimates = _estimates(plan, catalogue) if estimate else {}
    if json:
        described = {
            "run": str(store.folder),
            "cells": rows,
            "contrasts": [contrast.model_dump() for contrast in plan.contrasts],
            "power": [{**one.model_dump(), "discordance": one.discordance} for one in power],
            "estimates": estimates,
        }
        print(json_module.dumps(described, indent=1))
        return
    print_table(_table(rows, stages), stdout_console(), wide)
    for label, cost in estimates.items():
        print(f"{label}: {cost['described']}")
    for one in power:
        print(one.described)
    kinds = {"generation": "to_generate", "scored text": "to_score"}
    left = [plural(sum(row[key] for row in rows), kind) for kind, key in kinds.items() if any(row[key] for row in rows)]
    todo = f"{' and '.join(left) or 'nothing'} to do"
    print(f"{plural(len(rows), 'cell')}, {plural(len(plan.contrasts), 'contrast')}, {todo}; run folder {store.folder}")


def _table(rows: list[dict[str, Any]], stages: dict[str, tuple[StageOutlook, ...]]) -> Table:
    """A column for each stage that some cell has, then sizes and counts, which a narrow terminal leaves out first."""
    from harness.report.table import Column, Table, text_cell

    first = next(iter(stages.values()))
    shown = [n for n in range(len(first)) if any(several[n].state != "none" for several in stages.values())]
    columns = [Column("cell", "cell"), *(Column(first[n].stage, first[n].stage) for n in shown)]
    counts = ("size", "replaced", "generations", "scored", "stored")
    titles = ("bits/weight", "replaced", "generations", "scored", "stored")
    columns += [
        Column(key, title, "right", drop) for drop, (key, title) in enumerate(zip(counts, titles, strict=True), 1)
    ]
    lines = []
    for row in rows:
        replaced = f"{row['layers_replaced']}/{row['linears']}" if row["linears"] else "–"
        sizes = (
            row["size"],
            replaced,
            str(row["generations"]),
            str(row["scored"]),
            f"{row['stored']}/{row['samples']}",
        )
        lines.append((row["cell"], *(stages[row["cell"]][n].described for n in shown), *sizes))
    return Table("plan", "", tuple(columns), tuple(tuple(map(text_cell, line)) for line in lines))


def _estimates(plan: Plan, catalogue: Catalogue) -> dict[str, dict]:
    """What each outstanding compression will take, by model and compressor. A trained model is as large as its source."""
    from harness.compression.calibration import CalibrationSource
    from harness.compression.estimate import estimate
    from harness.errors import UsageError
    from harness.running.outlook import is_made

    found: dict[str, dict] = {}
    for cell in plan.cells:
        label = f"{cell.model.name}, {cell.compressor.label}"
        if label in found or is_made(cell, "compress"):
            continue
        wanted = CalibrationSource(source=cell.model.calibration)
        try:
            plugin = catalogue.build(cell.compressor)
            cost = estimate(Path(cell.model.path), plugin, wanted, device=cell.settings.device)
            found[label] = {**cost.model_dump(), "described": cost.described}
        except UsageError as error:
            found[label] = {"described": str(error)}
    return found


def _row(cell: Cell, plan: Plan, store: RunStore, stages: tuple[StageOutlook, ...]) -> dict[str, Any]:
    from harness.running.outlook import stored_replies

    size = plan.sizes.get(cell.compressed_key or "")
    stored = stored_replies(cell, store.cell(cell.id))
    return {
        "cell": cell.id,
        "layers_replaced": size.replaced if size else None,
        "linears": size.linears if size else None,
        "bits_per_weight": size.bits_per_weight if size else None,
        "stored_bits": size.stored_bits if size else None,
        "size": size.described if size else "–",
        "generations": cell.generations,
        "scored": cell.scored,
        "samples": cell.asked,
        "stored": sum(stored),
        "to_generate": cell.generations - stored[0],
        "to_score": _still(cell.scored, stored[1], cell.asked - cell.generations),
        "stages": {stage.stage: stage.model_dump(exclude={"stage"}) for stage in stages},
        "keys": cell.keys,
    }


def _still(texts: int, stored: int, samples: int) -> int:
    """Texts that are not scored yet, where so many of the samples that share them are stored."""
    return texts - texts * stored // samples if samples else 0
