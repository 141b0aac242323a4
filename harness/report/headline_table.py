"""The table that a reader looks at first, on 80 columns: each arm's size, its rates, and whether it differs from its base."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.contract import Quadrant
from harness.report.analysis import Block
from harness.report.arms import Arm, Estimate
from harness.report.difference_tables import difference_cells
from harness.report.estimate_cells import NO_INFERENCE, NOT_AVAILABLE, estimate_json
from harness.report.metrics import Metric
from harness.report.numbers import NONE, percent, significant
from harness.report.result_tables import first_pair
from harness.report.table import Cell, Column, Section, Table, text_cell
from harness.report.verdicts import NOT_SHOWN, verdict

RATES = 4


def headlines(block: Block) -> Iterable[Table]:
    """None where arms have several seeds, whose tables over seeds come first, and where nothing was sampled."""
    if block.seed_groups or block.published or not block.metrics or not any(arm.samples() for arm in block.arms):
        return
    rates = [metric for metric in block.metrics if metric.is_rate][:RATES]
    lead = leading(block.metrics)
    yield headline(block, rates or [lead], lead)


def leading(metrics: Sequence[Metric]) -> Metric:
    """The measure whose difference the headline shows: the rate of the truth, else the first."""
    truth = frozenset({Quadrant.BOTH, Quadrant.TRUTH_ONLY})
    whole = (one for one in metrics if one.rate and one.rate.numerator == truth and one.joint)
    return next(whole, metrics[0])


def headline(block: Block, shown: Sequence[Metric], lead: Metric) -> Table:
    sized = any(arm.compression and arm.compression.bits_per_weight is not None for arm in block.arms)
    columns = [Column("configuration", "arm")]
    if sized:
        columns.append(Column("bits_per_weight", "bits/\nweight", "right", -1))
    columns += [Column(metric.key, metric.short, "right", -1) for metric in shown]
    if block.pairs:
        columns.append(Column("difference", f"{lead.short}\nto base", "right", -1))
        columns.append(Column("verdict", "verdict", "left", -1))
    rows = tuple(_row(block, arm, shown, lead, sized) for arm in block.arms if arm.samples())
    bases = dict.fromkeys(pair.base.label for arm in block.arms if (pair := first_pair(block, arm)))
    notes = (
        (f"To base: {lead.title} less that of {', '.join(bases)}, paired, 95 %; verdict after Holm.",) if bases else ()
    )
    return Table("headline", "At a glance", tuple(columns), rows, notes)


def _row(block: Block, arm: Arm, shown: Sequence[Metric], lead: Metric, sized: bool) -> tuple[Cell, ...]:
    cells = [text_cell(arm.label)]
    if sized:
        bits = arm.compression.bits_per_weight if arm.compression else None
        cells.append(Cell(NONE if bits is None else f"{bits:.2f}", bits))
    for metric in shown:
        estimate = arm.estimate(metric)
        cells.append(Cell(value_text(estimate, metric), estimate_json(estimate, metric)))
    if block.pairs:
        cells += _difference(block, arm, lead)
    return tuple(cells)


def _difference(block: Block, arm: Arm, lead: Metric) -> tuple[Cell, Cell]:
    pair = first_pair(block, arm)
    if pair is None or not pair.base.samples():
        return Cell(""), Cell("")
    comparison = block.comparison(pair, lead)
    cell = difference_cells(pair.base.estimate(lead), arm.estimate(lead), comparison, lead)[0]
    return cell, text_cell(verdict(comparison, lead))


def value_text(estimate: Estimate, metric: Metric) -> str:
    """The value alone."""
    if estimate.value is None:
        return NONE
    return percent(estimate.value) if metric.is_rate else significant(estimate.value)


def differing(section: Section) -> Iterable[str]:
    """A few words on each arm that is shown to differ from its base: "uniform2 worse on goodhart7, −12.0 pp […]"."""
    for table in section.tables:
        if table.key == "headline":
            for row in table.rows:
                cells = {column.key: cell.text for column, cell in zip(table.columns, row, strict=True)}
                if cells.get("verdict", "") not in ("", NOT_SHOWN, NO_INFERENCE, NOT_AVAILABLE):
                    difference = cells["difference"].replace("\n", " ")
                    yield f"{row[0].text} {cells['verdict']} on {section.title}, {difference}"
