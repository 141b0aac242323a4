"""What was run, what is missing, and how large the compressed models are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydantic import JsonValue

from harness.report.arms import label_cells
from harness.report.data import CellSummary, ReportData
from harness.report.numbers import NONE, duration, size
from harness.report.samples_of import ORDER
from harness.report.table import Cell, Column, Samples, Table, text_cell


def sizes(cells: Sequence[CellSummary]) -> Iterable[Table]:
    """Each compressed model once, however many suites it was asked."""
    sized = [cell for cell in cells if cell.compression]
    if not any(cell.compression.bits_per_weight is not None for cell in sized if cell.compression):
        return  # nothing was compressed
    labels = label_cells(sized)
    columns = (
        Column("configuration", "configuration"),
        Column("layers_replaced", "layers replaced", "right"),
        Column("linears", "of", "right"),
        Column("bits_per_weight", "bits/weight", "right"),
        Column("bytes", "bytes", "right"),
        Column("size", "size", "right"),
    )
    rows: dict[str, tuple[Cell, ...]] = {}
    for cell in sized:
        facts = cell.compression
        assert facts is not None
        bits = facts.bits_per_weight
        rows.setdefault(
            labels[cell.id],
            (
                text_cell(labels[cell.id]),
                count(facts.layers_replaced),
                count(facts.linears),
                Cell(NONE if bits is None else f"{bits:.3f}", bits),
                Cell(NONE if facts.bytes is None else f"{facts.bytes:,}", facts.bytes),
                Cell(size(facts.bytes)),
            ),
        )
    note = (
        "Bits per weight: every stored bit of the decoder blocks' Linears over their weights. Bytes: all weight files."
    )
    yield Table("sizes", "Compression", columns, tuple(rows.values()), (note,))


def count(value: int | None) -> Cell:
    return Cell(NONE if value is None else str(value), value)


def exclusions(data: ReportData) -> Table:
    """Every cell of the plan and how it ended: errors are rows, not gaps."""
    labels = label_cells(data.cells)
    columns = (
        Column("cell", "cell"),
        Column("suite", "suite"),
        Column("state", "state"),
        Column("planned", "planned", "right"),
        Column("attempted", "attempted", "right"),
        Column("scored", "scored", "right"),
        Column("truncated", "cut at limit", "right"),
        Column("excluded", "excluded"),
        Column("seconds", "time", "right"),
    )
    rows = []
    for cell in data.cells:
        truncated = sum(row.truncated for row in data.rows.get(cell.id, ())) if cell.truncation_known else None
        cut = Samples(cell.id, truncated=True) if truncated else None
        rows.append(
            (
                Cell(labels[cell.id], cell.id),
                text_cell(cell.suite),
                text_cell(cell.state),
                Cell(str(cell.planned), cell.planned),
                Cell(str(cell.attempted), cell.attempted, {0: Samples(cell.id)}),
                Cell(str(cell.scored), cell.scored, {0: Samples(cell.id, (*ORDER, "scores"))}),
                Cell("unknown" if truncated is None else str(truncated), truncated, {0: cut}),
                reasons(cell),
                Cell(duration(cell.seconds), cell.seconds),
            )
        )
    notes = tuple(f"{labels[cell.id]}, {cell.suite}: {cell.error}" for cell in data.cells if cell.error)
    return Table("exclusions", "Samples planned, attempted, scored", columns, tuple(rows), notes)


def reasons(cell: CellSummary) -> Cell:
    """Excluded samples by reason; "planned but never attempted" is a reason too."""
    found: dict[str, JsonValue] = dict(cell.excluded)
    unrun = cell.planned - cell.attempted
    if unrun > 0:
        found["not run"] = unrun
    counts = {line: Samples(cell.id, error=reason) for line, reason in enumerate(found) if reason != "not run"}
    return Cell("\n".join(f"{reason}: {number}" for reason, number in found.items()) or NONE, found, counts)
