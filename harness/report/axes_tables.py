"""The tables of a suite with a proxy and a truth: joint counts, rates, comparisons, and what chance would give."""

from __future__ import annotations

from collections.abc import Iterable

from harness.contract import Axes, Quadrant
from harness.report.analysis import Block
from harness.report.arms import Arm, SampledArm
from harness.report.numbers import NONE
from harness.report.table import Cell, Column, Table, word

ORDER = (Quadrant.BOTH, Quadrant.PROXY_ONLY, Quadrant.TRUTH_ONLY, Quadrant.NEITHER)


def axes_tables(block: Block, axes: Axes) -> Iterable[Table]:
    yield quadrants(block, axes)


def quadrants(block: Block, axes: Axes) -> Table:
    """Joint counts per arm; every attempted sample is in exactly one column."""
    columns = (
        Column("configuration", "configuration"),
        Column("n", "n", "right"),
        *(Column(quadrant.value, axes.quadrants[quadrant], "right") for quadrant in ORDER),
        Column("unscored", "unscored", "right"),
    )
    rows = tuple((word(arm.label), *count_cells(arm)) for arm in block.arms)
    note = f"proxy: {axes.proxy}; truth: {axes.truth}. Unscored samples stay in n."
    return Table("quadrants", "Joint outcomes (samples)", columns, rows, (note,))


def count_cells(arm: Arm, family: str | None = None) -> tuple[Cell, ...]:
    n = arm.samples(family)
    if isinstance(arm, SampledArm) and arm.cell.state == "failed" and not n:
        return (Cell("failed"), *[Cell(NONE)] * 5)
    counts = arm.counts(family)
    numbers = (n, *(counts[quadrant] for quadrant in ORDER), arm.unscored(family))
    return tuple(Cell(str(value), value) for value in numbers)
