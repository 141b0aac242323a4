"""`harness plan`: what a run would do, before it does it."""

from __future__ import annotations

import json as json_module
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import options as o
from harness.cli.console import stdout_console
from harness.cli.context import global_options
from harness.errors import plural, shown
from harness.planning.experiment import Experiment

if TYPE_CHECKING:
    from harness.planning.cells import Plan
    from harness.registry.catalogue import Catalogue
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
    from harness.api.planned import planned

    catalogue = global_options(context).catalogue
    made, store = planned(experiment, catalogue, out)
    describe(made, store, catalogue, json, wide, estimate)


def describe(
    plan: Plan, store: RunStore, catalogue: Catalogue, json: bool = False, wide: bool = False, estimate: bool = False
) -> None:
    """Print what running the plan in that folder would do."""
    from harness.planning.power import planned_power
    from harness.report.backends import decoding_notes
    from harness.report.plan_table import plan_rows, plan_table
    from harness.report.terminal import print_table

    for line in [note for cell in plan.cells for note in decoding_notes(cell, store.cell(cell.id))]:
        print(shown(line), file=sys.stderr)
    rows = plan_rows(plan, store, catalogue)
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
    print_table(plan_table(rows), stdout_console(), wide)
    for label, cost in estimates.items():
        print(f"{label}: {cost['described']}")
    for one in power:
        print(one.described)
    kinds = {"generation": "to_generate", "scored text": "to_score"}
    left = [plural(sum(row[key] for row in rows), kind) for kind, key in kinds.items() if any(row[key] for row in rows)]
    todo = f"{' and '.join(left) or 'nothing'} to do"
    print(f"{plural(len(rows), 'cell')}, {plural(len(plan.contrasts), 'contrast')}, {todo}; run folder {store.folder}")


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
