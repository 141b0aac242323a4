"""The table that a reader looks at first, on 80 columns: each arm's size, its rates, and whether it differs from its base."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.contract import Quadrant
from harness.report.analysis import Block
from harness.report.arms import Arm, Estimate
from harness.report.difference_tables import difference_cells
from harness.report.estimate_cells import NO_INFERENCE, NOT_AVAILABLE, estimate_json
from harness.report.metrics import Metric
from harness.report.numbers import NONE, bracket, decimals_of, percent, points, signed, significant
from harness.report.result_tables import first_pair
from harness.report.samples_of import counted
from harness.report.seed_tables import mean_text, spread_json
from harness.report.seeds import SeedGroup, spread
from harness.report.table import Cell, Column, Section, Table, text_cell
from harness.report.verdicts import NOT_SHOWN, verdict

RATES = 4


def headlines(block: Block) -> Iterable[Table]:
    """None where nothing was sampled here."""
    if block.published or not block.metrics or not any(arm.samples() for arm in block.arms):
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
    if block.seed_groups:
        rows = [_row_over_seeds(block, group, shown, lead, sized) for group in block.seed_groups]
        bases = dict.fromkeys(pair.base.label for pair in block.seed_pairs)
        how = "means over seeds, paired by seed"
    else:
        rows = [_row(block, arm, shown, lead, sized) for arm in block.arms if arm.samples()]
        bases = dict.fromkeys(pair.base.label for arm in block.arms if (pair := first_pair(block, arm)))
        how = "paired"
    notes = (
        (f"To base: {lead.title} less that of {', '.join(bases)}, {how}, 95 %; verdict after Holm.",) if bases else ()
    )
    return Table("headline", "At a glance", tuple(columns), tuple(rows), notes)


def _row(block: Block, arm: Arm, shown: Sequence[Metric], lead: Metric, sized: bool) -> tuple[Cell, ...]:
    cells = _head(arm.label, arm, sized)
    for metric in shown:
        estimate = arm.estimate(metric)
        cells.append(Cell(value_text(estimate, metric), estimate_json(estimate, metric), {0: counted(arm, metric)}))
    if block.pairs:
        cells += _difference(block, arm, lead)
    return tuple(cells)


def _head(label: str, arm: Arm, sized: bool) -> list[Cell]:
    bits = arm.compression.bits_per_weight if arm.compression else None
    return [text_cell(label), *([Cell(NONE if bits is None else f"{bits:.2f}", bits)] if sized else [])]


def _row_over_seeds(
    block: Block, group: SeedGroup, shown: Sequence[Metric], lead: Metric, sized: bool
) -> tuple[Cell, ...]:
    cells = _head(group.label, next(iter(group.arms.values())), sized)
    for metric in shown:
        found = spread(group.values(metric), metric.is_rate)
        cells.append(Cell(mean_text(found, metric).partition("\n")[0], spread_json(found)))
    if not block.pairs:
        return tuple(cells)
    pair = next((pair for pair in block.seed_pairs if pair.other.label == group.label), None)
    comparison = block.seed_comparison(pair, lead) if pair else None
    if comparison is None:
        return (*cells, Cell(""), Cell(""))
    scale, decimals = (100.0, 1) if lead.is_rate else (1.0, decimals_of(comparison.base.mean or 0.0))
    delta = comparison.difference.mean or 0.0
    value = points(delta) if lead.is_rate else signed(delta, decimals)
    text = f"{value}\n{bracket(comparison.difference.interval, scale, decimals, sign=True)}"
    return (*cells, Cell(text, spread_json(comparison.difference)), text_cell(verdict(comparison, lead)))


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
