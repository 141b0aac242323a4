"""The tables that every suite has: results per arm, paired differences, and both again per family."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from harness.report.analysis import Block, Pair
from harness.report.arms import Arm
from harness.report.data import CompressionFacts
from harness.report.difference_tables import difference_cells
from harness.report.estimate_cells import (
    METRICS_PER_TABLE,
    NO_INFERENCE,
    NOT_AVAILABLE,
    estimate_cell,
    estimate_json,
    estimate_text,
)
from harness.report.metrics import Metric
from harness.report.numbers import (
    NONE,
    significant,
    size,
)
from harness.report.samples_of import counted
from harness.report.table import Cell, Column, Table, text_cell


def overviews(block: Block) -> Iterable[Table]:
    """Every metric of every arm, and beside it what the compression stored."""
    chunks = range(0, len(block.metrics), METRICS_PER_TABLE)
    for start in chunks:
        metrics = block.metrics[start : start + METRICS_PER_TABLE]
        key = "results" if start == 0 else f"results-{start // METRICS_PER_TABLE + 1}"
        yield overview(block, metrics, key)


def overview(block: Block, metrics: Iterable[Metric], key: str) -> Table:
    metrics, sized = tuple(metrics), any(arm.compression for arm in block.arms)
    columns = [Column("configuration", "configuration")]
    columns += [Column(metric.key, metric.title, "right") for metric in metrics]
    if sized:
        columns.append(Column("size", "\n".join(("layers", "bits/w", "bytes", *beside(block))), "right"))
    note = (f"95 % intervals in brackets.{delta_note(block)}",)
    rows = []
    for arm in block.arms:
        row = [text_cell(arm.label), *(overview_cell(block, arm, metric) for metric in metrics)]
        if sized:
            row.append(size_cell(arm.compression, arm.fidelity))
        rows.append(tuple(row))
    return Table(key, "Results", tuple(columns), tuple(rows), note, detail=bool(block.seed_groups))


def overview_cell(block: Block, arm: Arm, metric: Metric) -> Cell:
    """The estimate and, below it, the paired difference to the arm's first contrast."""
    cell = replace(estimate_cell(arm, metric), counts={1: counted(arm, metric)})
    pair = first_pair(block, arm)
    if pair is None or not (pair.base.samples() and arm.samples()):
        return cell
    comparison = block.comparison(pair, metric)
    if comparison is None:
        return replace(cell, text=f"{cell.text}\nΔ {NOT_AVAILABLE}")
    delta, _, adjusted = difference_cells(pair.base.estimate(metric), arm.estimate(metric), comparison, metric)
    verdict = adjusted.text if adjusted.text in (NONE, NO_INFERENCE) else f"p {adjusted.text}"
    return replace(cell, text=f"{cell.text}\nΔ {delta.text}\n{verdict}")


def first_pair(block: Block, arm: Arm) -> Pair | None:
    return next(iter(block.pairs_to.get(arm.id, ())), None)


def delta_note(block: Block) -> str:
    bases = dict.fromkeys(pair.base.label for arm in block.arms if (pair := first_pair(block, arm)))
    return f" Δ: paired difference to {', '.join(bases)}, p adjusted." if bases else ""


def beside(block: Block) -> list[str]:
    """The score of another suite that stands beside the sizes."""
    return list(dict.fromkeys(arm.fidelity[0].replace("_", " ") for arm in block.arms if arm.fidelity))


def size_cell(facts: CompressionFacts | None, fidelity: tuple[str, float] | None) -> Cell:
    if facts is None:
        return Cell(NONE)
    layers = NONE if facts.layers_replaced is None else str(facts.layers_replaced)
    of = "" if facts.linears is None else f"/{facts.linears}"
    bits = NONE if facts.bits_per_weight is None else f"{facts.bits_per_weight:.2f}"
    lines, value = [f"{layers}{of}", bits, size(facts.bytes)], facts.model_dump()
    if fidelity:
        key, mean = fidelity
        lines.append(significant(mean))
        value[key] = mean
    return Cell("\n".join(lines), value)


# ------------------------------------------------------------------------------------------------------- differences


# ------------------------------------------------------------------------------------------------------- per family


def family_tables(block: Block) -> Iterable[Table]:
    """Long form, one line for each family and arm; explored after the fact, hence Benjamini-Hochberg."""
    if not block.families:
        return
    for metric in block.metrics:
        columns = (
            Column("family", "family"),
            Column("configuration", "configuration"),
            Column("estimate", metric.title, "right"),
            Column("interval", "95 %", "right"),
            Column("difference", "difference", "right"),
            Column("p", "p", "right"),
            Column("adjusted", "p adjusted", "right"),
        )
        rows = tuple(
            row for family in block.families for arm in block.arms for row in family_rows(block, metric, family, arm)
        )
        yield Table(
            f"families:{metric.key}", f"{metric.title} by family", columns, rows, family_notes(block), detail=True
        )


def family_rows(block: Block, metric: Metric, family: str, arm: Arm) -> Iterable[tuple[Cell, ...]]:
    estimate = arm.estimate(metric, family)
    value, counts, interval = estimate_text(estimate, metric)
    head = (
        text_cell(family),
        text_cell(arm.label),
        Cell(f"{value}  {counts}", estimate_json(estimate, metric), {0: counted(arm, metric, family)}),
        Cell(interval),
    )
    pairs = block.pairs_to.get(arm.id, [])
    if not pairs:
        yield (*head, Cell(NONE), Cell(NONE), Cell(NONE))
    for pair in pairs:
        if not (pair.base.samples(family) and arm.samples(family)):
            yield (*head, Cell(NONE), Cell(NONE), Cell(NONE))
            continue
        comparison = block.comparison(pair, metric, family)
        tail = difference_cells(pair.base.estimate(metric, family), estimate, comparison, metric)
        yield (*head, *(Cell(cell.text.replace("\n", " "), cell.value) for cell in tail))


def family_notes(block: Block) -> tuple[str, ...]:
    several = any(len(pairs) > 1 for pairs in block.pairs_to.values())
    order = "; lines of one arm follow the order of the contrasts" if several else ""
    return (f"Exploratory: Benjamini-Hochberg within this table{order}.",)
