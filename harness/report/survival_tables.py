"""Differences between trainers, uncompressed and compressed, and the difference of the two."""

from __future__ import annotations

from collections.abc import Iterable

from harness.report.analysis import Block
from harness.report.difference_tables import adjustment_note, stars
from harness.report.estimate_cells import NO_INFERENCE
from harness.report.metrics import Metric
from harness.report.numbers import p_value
from harness.report.seed_tables import difference_cell
from harness.report.survival import Survival, survivals
from harness.report.table import Cell, Column, Table, text_cell

COLUMNS = (
    Column("contrast", "contrast"),
    Column("compressor", "compressor"),
    Column("seeds", "seeds", "right"),
    Column("plain", "difference,\nuncompressed", "right"),
    Column("compressed", "difference,\ncompressed", "right"),
    Column("change", "change", "right"),
    Column("own", "the arm's\nown change", "right"),
    Column("p", "p", "right"),
    Column("adjusted", "p adjusted", "right"),
)


def survival_tables(block: Block) -> Iterable[Table]:
    """One table a rate; none where no contrast between trainers stands under several compressors."""
    for metric in block.metrics:
        if metric.is_rate and (found := survivals(block, metric)):
            note = (
                f"Paired by seed, sign-flip over seeds; under six seeds {NO_INFERENCE}. "
                f"{adjustment_note([one.found for one in found])}"
            ).rstrip()
            warning = (
                "A change of the hack rate is a return of hacking only where the arm's own rate rose, for the change is as "
                "large where its base fell, and where solving holds: a model that can no longer write a program does not hack "
                "either."
            )
            rows = tuple(survival_row(one, metric) for one in found)
            notes = (note, warning) if block.axes and metric.rate and metric.rate.better == "low" else (note,)
            title = f"{metric.title}: do differences between trainers survive compression?"
            yield Table(f"survival:{metric.key}", title, COLUMNS, rows, notes)


def survival_row(one: Survival, metric: Metric) -> tuple[Cell, ...]:
    found = one.found
    model, trainer, compressor = one.arm.config
    adjusted = f"{p_value(found.adjusted)} {stars(found.adjusted)}".rstrip() if found.inference else NO_INFERENCE
    return (
        Cell(f"{trainer} vs {one.base.config[1]}", {"arm": trainer, "base": one.base.config[1], "model": model}),
        text_cell(compressor),
        Cell(str(len(found.difference.seeds)), list(found.difference.seeds)),
        difference_cell(found.base, metric, 0.0),
        difference_cell(found.other, metric, 0.0),
        difference_cell(found.difference, metric, 0.0),
        difference_cell(one.own, metric, 0.0),
        Cell(p_value(found.p), {"value": found.p, "minimal": found.minimal}),
        Cell(adjusted, {"value": found.adjusted, "family": found.family, "inference": found.inference}),
    )
