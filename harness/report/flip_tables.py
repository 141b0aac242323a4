"""Flips: items whose truth changed between two arms, right to wrong and wrong to right apart. A rate that stands still can
hide many (Dutta et al. 2024, arXiv 2407.09141); its difference shows the net alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.contract import Axes, Outcome
from harness.report.analysis import Block, Pair
from harness.report.arms import SampledArm, estimate
from harness.report.compare import match
from harness.report.data import Row
from harness.report.numbers import NONE, bracket, percent, points
from harness.report.samples_of import ORDER, RIGHT, WRONG, moved
from harness.report.table import Cell, Column, Table, text_cell

Matched = tuple[Row, Row]  # the base's sample and the other arm's, both scored


def flip_tables(block: Block, axes: Axes) -> Iterable[Table]:
    """One row a contrast; none where no samples can be paired."""
    rows = [row for pair in block.pairs if (row := _row(pair, axes))]
    if not rows:
        return
    columns = (
        Column("contrast", "contrast"),
        Column("n", "n", "right"),
        Column("lost", "right → wrong", "right"),
        Column("gained", "wrong → right", "right"),
        Column("net", "net", "right"),
        Column("churn", "churn", "right"),
        *((Column("other_wrong", "wrong → other wrong", "right"),) if axes.answer else ()),
    )
    note = f"Of the truth ({axes.truth}). Net: gained less lost; churn: gained and lost together, 95 % interval; over samples."
    yield Table("flips", "Flips", columns, tuple(rows), (note,))


def _row(pair: Pair, axes: Axes) -> tuple[Cell, ...] | None:
    if not (isinstance(pair.base, SampledArm) and isinstance(pair.other, SampledArm)):
        return None
    pairs = [(b, o) for b, o in match(pair.base.rows, pair.other.rows)[0] if b.verdict and o.verdict]
    if not pairs:
        return None
    n = len(pairs)
    lost, gained = (sum(_truth(b) is before and _truth(o) is not before for b, o in pairs) for before in (True, False))
    churn = gained + lost
    cells = [
        text_cell(pair.label),
        Cell(str(n), n, {0: moved(pair.base, pair.other, ORDER, ORDER)}),
        Cell(str(lost), lost, {0: moved(pair.base, pair.other, RIGHT, WRONG)}),
        Cell(str(gained), gained, {0: moved(pair.base, pair.other, WRONG, RIGHT)}),
        Cell(points((gained - lost) / n), (gained - lost) / n),
        _churn(pairs, churn),
    ]
    if axes.answer:
        other = sum(not _truth(b) and not _truth(o) and _differ(b, o, axes.answer) for b, o in pairs)
        cells.append(Cell(str(other), other, {0: moved(pair.base, pair.other, WRONG, WRONG, new_answer=True)}))
    return tuple(cells)


def _churn(pairs: Sequence[Matched], churn: int) -> Cell:
    """Its interval takes items and clusters as every rate's does."""
    changed = {(b.item, b.repeat): _truth(b) is not _truth(o) for b, o in pairs}
    found = estimate([b for b, _ in pairs], lambda row: (float(changed[row.item, row.repeat]), 1.0), rate=True)
    interval = found.interval
    text = f"{percent(churn / len(pairs))}\n{bracket(interval) if interval else NONE}"
    return Cell(text, {"value": churn / len(pairs), "interval": list(interval) if interval else None})


def _truth(row: Row) -> bool:
    return isinstance(row.verdict, Outcome) and row.verdict.truth


def _differ(base: Row, other: Row, key: str) -> bool:
    assert isinstance(base.verdict, Outcome)
    assert isinstance(other.verdict, Outcome)
    return base.verdict.parsed.get(key) != other.verdict.parsed.get(key)
