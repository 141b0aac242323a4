"""A plan as a table: how far each stage of each cell is, and what there is still to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.planning.cells import Cell, Plan
from harness.registry.catalogue import Catalogue
from harness.report.table import Column, Table, text_cell
from harness.running.outlook import NOTHING, Seconds, StageOutlook, duration, outlook, stored_replies
from harness.store.run import RunStore


def plan_rows(
    plan: Plan, store: RunStore, catalogue: Catalogue, forecast: Seconds | None = None
) -> list[dict[str, Any]]:
    """One row a cell, as `harness plan --json` prints it."""
    stages = outlook(plan, store, catalogue, forecast)
    return [_row(cell, plan, store, stages[cell.id]) for cell in plan.cells]


def plan_table(rows: Sequence[dict[str, Any]]) -> Table:
    """A column for each stage that some cell has, then sizes and counts, which a narrow terminal leaves out first."""
    stages = list(rows[0]["stages"])
    columns = [Column("cell", "cell"), *(Column(stage, stage) for stage in stages)]
    counts = ("bits/weight", "replaced", "generations", "scored", "stored")
    columns += [Column(name, name, "right", drop) for drop, name in enumerate(counts, 1)]
    lines = []
    for row in rows:
        described = [StageOutlook(stage=stage, **row["stages"][stage]).described for stage in stages]
        lines.append((row["cell"], *described, *_counts(row)))
    used = [number for number in range(len(columns)) if any(line[number] != NOTHING for line in lines)]
    cells = tuple(tuple(text_cell(line[number]) for number in used) for line in lines)
    return Table("plan", "", tuple(columns[number] for number in used), cells)


def seconds_left(rows: Sequence[dict[str, Any]]) -> str | None:
    """What the stages to do will take in all, where something is known of that."""
    open_ = [stage for row in rows for stage in row["stages"].values() if stage["state"] in ("to do", "begun")]
    known = [stage["seconds"] for stage in open_ if stage["seconds"] is not None]
    return duration(sum(known)) if known else None


def _counts(row: dict[str, Any]) -> tuple[str, ...]:
    replaced = f"{row['layers_replaced']}/{row['linears']}" if row["linears"] else NOTHING
    stored = f"{row['stored']}/{row['samples']}"
    return row["size"], replaced, str(row["generations"]), str(row["scored"]), stored


def _row(cell: Cell, plan: Plan, store: RunStore, stages: tuple[StageOutlook, ...]) -> dict[str, Any]:
    size = plan.sizes.get(cell.compressed_key or "")
    stored = stored_replies(cell, store.cell(cell.id))
    return {
        "cell": cell.id,
        "trained_on": cell.training.suite.label if cell.training else None,
        "layers_replaced": size.replaced if size else None,
        "linears": size.linears if size else None,
        "bits_per_weight": size.bits_per_weight if size else None,
        "stored_bits": size.stored_bits if size else None,
        "size": size.described if size else NOTHING,
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
