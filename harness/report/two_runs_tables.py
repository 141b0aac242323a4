"""The tables of `harness compare`: for each arm that two runs share, every measure in both and its difference."""

from __future__ import annotations

from harness.report.analysis import Block, Pair, analyse
from harness.report.arms import Estimate
from harness.report.difference_tables import adjusted_text, difference_cells
from harness.report.estimate_cells import estimate_json
from harness.report.headline_table import value_text
from harness.report.metrics import Metric
from harness.report.numbers import NONE, bracket, decimals_of, points, signed
from harness.report.table import Cell, Column, Report, Section, Table, text_cell
from harness.report.two_runs import TwoRuns
from harness.report.verdicts import NOT_SHOWN, direction, verdict
from harness.stats import independent_difference


def compared(runs: TwoRuns) -> Report:
    """One section a suite, one table an arm."""
    sections = [
        Section(block.key, block.title, tuple(_table(block, pair, runs.paired) for pair in block.pairs))
        for block in analyse(runs.data)
    ]
    how = "Paired by item" if runs.paired else "Unpaired: independent samples, intervals by Newcombe, nothing adjusted"
    return Report(runs.data.title, tuple(sections), (f"{how}; differences are B − A.", *runs.notes))


def _table(block: Block, pair: Pair, paired: bool) -> Table:
    columns = [
        Column("measure", "measure"),
        Column("base", "A", "right", -1),
        Column("other", "B", "right", -1),
        Column("difference", "B − A", "right", -1),
        Column("verdict", "verdict", "left", -1),
    ]
    if paired:
        columns.append(Column("adjusted", "p adjusted", "right", 1))
    rows = [(_paired if paired else _unpaired)(block, pair, metric) for metric in block.metrics]
    notes: tuple[str, ...] = ()
    if found := [c for metric in block.metrics if (c := block.comparison(pair, metric))] if paired else []:
        notes = (f"{found[0].samples} pairs. Holm over the arms, measure by measure.",)
    return Table(f"{block.key}:{pair.base.id}:{pair.other.id}", pair.factor, tuple(columns), tuple(rows), notes)


def _paired(block: Block, pair: Pair, metric: Metric) -> tuple[Cell, ...]:
    comparison = block.comparison(pair, metric)
    if comparison is None:
        return (text_cell(metric.title), *[Cell(NONE)] * 5)
    base, other = (Estimate(*terms, None, "", 0) for terms in (comparison.base, comparison.other))
    difference = difference_cells(base, other, comparison, metric)[0]
    cells = (_value(base, metric), _value(other, metric), difference, text_cell(verdict(comparison, metric)))
    return (text_cell(metric.title, metric.key), *cells, Cell(adjusted_text(comparison), comparison.adjusted))


def _unpaired(block: Block, pair: Pair, metric: Metric) -> tuple[Cell, ...]:
    base, other = pair.base.estimate(metric), pair.other.estimate(metric)
    head = (text_cell(metric.title, metric.key), _value(base, metric), _value(other, metric))
    if base.value is None or other.value is None or base.interval is None or other.interval is None:
        return (*head, Cell(NONE), Cell(NONE))
    delta, interval = (
        other.value - base.value,
        independent_difference(base.value, base.interval, other.value, other.interval),
    )
    decimals = decimals_of(max(abs(base.value), abs(other.value)))
    value = points(delta) if metric.is_rate else signed(delta, decimals)
    scale, digits = (100.0, 1) if metric.is_rate else (1.0, decimals)
    said = direction(delta, metric) if interval.low > 0 or interval.high < 0 else NOT_SHOWN
    text = f"{value}\n{bracket(interval, scale, digits, sign=True)}"
    return (*head, Cell(text, {"value": delta, "interval": list(interval)}), text_cell(said))


def _value(estimate: Estimate, metric: Metric) -> Cell:
    return Cell(value_text(estimate, metric), estimate_json(estimate, metric))
