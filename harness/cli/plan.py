"""`harness plan`: what a run would do, before it does it."""

from __future__ import annotations

import json as json_module
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import options as o
from harness.cli.console import plain_table, stdout_console
from harness.cli.context import global_options
from harness.cli.run import RUNS
from harness.errors import plural, shown
from harness.planning.experiment import Experiment

if TYPE_CHECKING:
    from harness.planning.cells import Cell, Plan
    from harness.registry.catalogue import Catalogue
    from harness.store.run import RunStore


@o.takes_experiment
def plan(
    context: typer.Context,
    experiment: Experiment,
    out: o.Out = None,
    json: o.Json = False,
    estimate: Annotated[
        bool,
        typer.Option("--estimate", help="Memory, disk and time of each compression, from a dry run of one block."),
    ] = False,
) -> None:
    from harness.cli.display import planning
    from harness.planning.plan import make_plan
    from harness.planning.power import planned_power
    from harness.report.backends import decoding_notes
    from harness.store.run import RunStore

    catalogue = global_options(context).catalogue
    with planning() as say:
        made = make_plan(experiment, catalogue, say)
    store = RunStore(out or RUNS / made.name)
    known = [note for cell in made.cells for note in decoding_notes(cell, store.cell(cell.id))]
    for line in [*made.notes, *known]:
        print(shown(line), file=sys.stderr)
    rows = _rows(made, store)
    power = list(planned_power(made, store, catalogue))
    estimates = _estimates(made, catalogue) if estimate else {}
    if json:
        described = {
            "run": str(store.folder),
            "cells": rows,
            "contrasts": [contrast.model_dump() for contrast in made.contrasts],
            "power": [{**one.model_dump(), "discordance": one.discordance} for one in power],
            "estimates": estimates,
        }
        print(json_module.dumps(described, indent=1))
        return
    table = plain_table("cell", "replaced", "bits/weight", "generations", "scored", "stored", "weights")
    for row in rows:
        replaced = f"{row['layers_replaced']}/{row['linears']}" if row["linears"] else "-"
        counts = (str(row[name]) for name in ("generations", "scored"))
        table.add_row(row["cell"], replaced, row["size"], *counts, f"{row['stored']}/{row['samples']}", row["weights"])
    stdout_console().print(table, markup=False)
    for label, cost in estimates.items():
        print(f"{label}: {cost['described']}")
    for one in power:
        print(one.described)
    kinds = {"generation": "to_generate", "scored text": "to_score"}
    left = [plural(sum(row[key] for row in rows), kind) for kind, key in kinds.items() if any(row[key] for row in rows)]
    todo = f"{' and '.join(left) or 'nothing'} to do"
    print(f"{plural(len(rows), 'cell')}, {plural(len(made.contrasts), 'contrast')}, {todo}; run folder {store.folder}")


def _estimates(plan: Plan, catalogue: Catalogue) -> dict[str, dict]:
    """What each outstanding compression will take, by model and compressor. A trained model is as large as its source."""
    from harness.compression.calibration import CalibrationSource
    from harness.compression.estimate import estimate
    from harness.errors import UsageError

    found: dict[str, dict] = {}
    for cell in plan.cells:
        label = f"{cell.model.name}, {cell.compressor.label}"
        if label in found or _made(cell):
            continue
        wanted = CalibrationSource(source=cell.model.calibration)
        try:
            plugin = catalogue.build(cell.compressor)
            cost = estimate(Path(cell.model.path), plugin, wanted, device=cell.settings.device)
            found[label] = {**cost.model_dump(), "described": cost.described}
        except UsageError as error:
            found[label] = {"described": str(error)}
    return found


def _made(cell: Cell) -> bool:
    from harness.checkpoints.manifest import MARKER
    from harness.store.paths import artefact_folder

    return cell.compressed_key is None or (artefact_folder(cell.compressed_key) / MARKER).exists()


def _rows(plan: Plan, store: RunStore) -> list[dict]:
    rows = []
    for cell in plan.cells:
        size = plan.sizes.get(cell.compressed_key or "")
        stored = _stored(cell, store)
        rows.append(
            {
                "cell": cell.id,
                "layers_replaced": size.replaced if size else None,
                "linears": size.linears if size else None,
                "bits_per_weight": size.bits_per_weight if size else None,
                "stored_bits": size.stored_bits if size else None,
                "size": size.described if size else "-",
                "generations": cell.generations,
                "scored": cell.scored,
                "samples": cell.asked,
                "stored": sum(stored),
                "to_generate": cell.generations - stored[0],
                "to_score": _still(cell.scored, stored[1], cell.asked - cell.generations),
                "weights": _weights(cell),
                "keys": cell.keys,
            }
        )
    return rows


def _stored(cell: Cell, store: RunStore) -> tuple[int, int]:
    """Stored replies of a cell: the generated ones, and those of texts that were scored."""
    rows = [one for one in store.cell(cell.id).samples() if one.repeat < cell.settings.runs]
    replies = [row.reply for row in rows if row.reply is not None]
    scored = sum(reply.log_likelihood is not None or bool(reply.choice_log_likelihoods) for reply in replies)
    generated = min(len(replies) - scored, cell.generations)
    return generated, min(scored, cell.asked - cell.generations)


def _still(texts: int, stored: int, samples: int) -> int:
    """Texts that are not scored yet, where so many of the samples that share them are stored."""
    return texts - texts * stored // samples if samples else 0


def _weights(cell: Cell) -> str:
    """Where the weights are that a cell samples."""
    if not cell.model.path:
        return "server"
    if cell.weights_key == cell.model.digest:
        return "source"
    return "cached" if _made(cell) else "to make"
