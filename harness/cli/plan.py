"""`harness plan`: what a run would do, before it does it."""

from __future__ import annotations

import json as json_module
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import options as o
from harness.cli.console import stdout_console
from harness.cli.context import global_options
from harness.errors import plural, shown
from harness.planning.experiment import Experiment

if TYPE_CHECKING:
    from harness.planning.cells import Plan
    from harness.planning.machines import Machine
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
        typer.Option("--estimate", help="Time what is to do: a dry run of one block, and some items of each suite."),
    ] = False,
    machine: Annotated[
        str | None,
        typer.Option(metavar="GPUxN,…", help="Estimate hours and disk on rented GPUs, from shapes: h100x1,a100x2."),
    ] = None,
) -> None:
    from harness.api.planned import planned
    from harness.planning.machines import parse_machines

    catalogue = global_options(context).catalogue
    machines = parse_machines(machine or "")
    made, store = planned(experiment, catalogue, out)
    describe(made, store, catalogue, json, wide, estimate, machines)


def describe(
    plan: Plan,
    store: RunStore,
    catalogue: Catalogue,
    json: bool = False,
    wide: bool = False,
    estimate: bool = False,
    machines: Sequence[Machine] = (),
) -> None:
    """Print what running the plan in that folder would do."""
    from harness.planning.power import planned_power
    from harness.report.backends import decoding_notes
    from harness.report.plan_table import plan_rows, plan_table, seconds_left
    from harness.report.terminal import print_table

    for line in [note for cell in plan.cells for note in decoding_notes(cell, store.cell(cell.id))]:
        print(shown(line), file=sys.stderr)
    forecast = None
    if estimate:
        from harness.running.forecast import Forecast

        forecast = Forecast(plan, store, catalogue)
    elsewhere = []
    if machines:
        from harness.running.rented import rented

        elsewhere = rented(plan, machines, catalogue)
    rows = plan_rows(plan, store, catalogue, forecast.seconds if forecast else None)
    power = list(planned_power(plan, store, catalogue))
    if json:
        described = {
            "run": str(store.folder),
            "cells": rows,
            "contrasts": [contrast.model_dump() for contrast in plan.contrasts],
            "power": [{**one.model_dump(), "discordance": one.discordance} for one in power],
            "estimates": forecast.described if forecast else {},
            "machines": [one.model_dump() for one in elsewhere],
        }
        print(json_module.dumps(described, indent=1))
        return
    print_table(plan_table(rows), stdout_console(), wide)
    for label, said in (forecast.described if forecast else {}).items():
        print(f"{label}: {said}")
    for there in elsewhere:
        print(there.described)
    for one in power:
        print(one.described)
    kinds = {"generation": "to_generate", "scored text": "to_score"}
    left = [plural(sum(row[key] for row in rows), kind) for kind, key in kinds.items() if any(row[key] for row in rows)]
    todo = f"{' and '.join(left) or 'nothing'} to do"
    if left and (time := seconds_left(rows)):
        todo += f" in about {time}"
    trainings = {cell.training_key for cell in plan.cells if cell.training_key}  # cells share them
    counts = [(len(rows), "cell"), (len(trainings), "training"), (len(plan.contrasts), "contrast")]
    said = ", ".join(plural(count, what) for count, what in counts if count or what != "training")
    print(f"{said}, {todo}; run folder {store.folder}")
