"""The tables of a suite with a proxy and a truth: joint counts, how they changed, and what chance or missing samples
could explain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from harness.contract import Axes, Outcome, Quadrant
from harness.report.analysis import Block, Pair
from harness.report.arms import Arm, SampledArm
from harness.report.compare import match
from harness.report.data import Row
from harness.report.numbers import NONE, fraction, percent, signed
from harness.report.samples_of import ORDER, UNSCORED, moved, of_arm
from harness.report.table import Cell, Column, Table, text_cell
from harness.stats import bounds, independence


def quadrant_table(block: Block, axes: Axes) -> Table:
    """Joint counts per arm; every attempted sample is in exactly one column."""
    rows = tuple((text_cell(arm.label), *count_cells(arm)) for arm in block.arms)
    note = f"Proxy: {axes.proxy}; truth: {axes.truth}. Unscored samples stay in n."
    columns = (configuration(), *count_columns(axes))
    title = ", ".join(["Joint outcomes (samples)", *(reading.title for reading in axes.leading())])
    return Table("quadrants", title, columns, rows, (note,), detail=block.training is not None)


def family_quadrant_table(block: Block, axes: Axes) -> Table:
    rows = tuple(
        (text_cell(family), text_cell(arm.label), *count_cells(arm, family))
        for family in block.families
        for arm in block.arms
    )
    columns = (Column("family", "family"), configuration(), *count_columns(axes))
    return Table("families:quadrants", "Joint outcomes by family", columns, rows, detail=True)


def configuration() -> Column:
    return Column("configuration", "configuration")


def count_columns(axes: Axes) -> tuple[Column, ...]:
    named = (Column(quadrant.value, axes.quadrants[quadrant], "right") for quadrant in ORDER)
    return (Column("n", "n", "right"), *named, Column("unscored", "unscored", "right"))


def count_cells(arm: Arm, family: str | None = None) -> tuple[Cell, ...]:
    n = arm.samples(family)
    if isinstance(arm, SampledArm) and arm.cell.state == "failed" and not n:
        return (Cell("failed"), *[Cell(NONE)] * 5)
    counts = arm.counts(family)
    numbers = {**{str(quadrant): counts[quadrant] for quadrant in ORDER}, UNSCORED: arm.unscored(family)}
    found = (Cell(str(k), k, {0: of_arm(arm, outcome, family=family)}) for outcome, k in numbers.items())
    return Cell(str(n), n, {0: of_arm(arm, family=family)}), *found


def chance_table(block: Block, axes: Axes) -> Table:
    """Observed off-diagonal counts beside those that the two marginal rates alone would give."""
    truth_only, proxy_only = axes.quadrants[Quadrant.TRUTH_ONLY], axes.quadrants[Quadrant.PROXY_ONLY]
    columns = (
        configuration(),
        Column("truth_only", truth_only, "right"),
        Column("truth_only_expected", "by chance", "right"),
        Column("proxy_only", proxy_only, "right"),
        Column("proxy_only_expected", "by chance", "right"),
        Column("phi", "φ", "right"),
    )
    rows = []
    for arm in block.arms:
        if not arm.samples():
            continue
        counts = arm.counts()
        both, gap, dbdk, neither = (counts[quadrant] for quadrant in ORDER)
        expected = independence(both, gap, dbdk, neither)
        scored = both + gap + dbdk + neither
        rows.append(
            (
                text_cell(arm.label),
                Cell(f"{fraction(dbdk, scored)}", dbdk, {0: of_arm(arm, Quadrant.TRUTH_ONLY)}),
                Cell(f"{expected.truth_only:.1f}", expected.truth_only),
                Cell(f"{fraction(gap, scored)}", gap, {0: of_arm(arm, Quadrant.PROXY_ONLY)}),
                Cell(f"{expected.proxy_only:.1f}", expected.proxy_only),
                Cell(NONE if expected.phi is None else signed(expected.phi, 2), expected.phi),
            )
        )
    note = "By chance: the count if the two verdicts of a sample were independent at this arm's own rates."
    return Table("chance", "Against chance", columns, tuple(rows), (note,), detail=bool(block.seed_groups))


def missing_tables(block: Block) -> Iterable[Table]:
    """How far each rate could move if the unscored samples were scored; empty if none is missing."""
    arms = [arm for arm in block.arms if arm.unscored()]
    metrics = [metric for metric in block.metrics if metric.is_rate]
    if not arms or not metrics:
        return
    columns = (
        configuration(),
        Column("unscored", "unscored", "right"),
        *(Column(metric.key, metric.title, "right") for metric in metrics),
    )
    rows = []
    for arm in arms:
        lost = arm.unscored()
        row = [text_cell(arm.label), Cell(str(lost), lost, {0: of_arm(arm, UNSCORED)})]
        for metric in metrics:
            estimate = arm.estimate(metric)
            limits = bounds(int(estimate.numerator), int(estimate.denominator), lost, metric.joint)
            text = NONE if limits is None else f"{percent(limits.low)} – {percent(limits.high)}"
            row.append(Cell(text, None if limits is None else list(limits)))
        rows.append(tuple(row))
    note = "Lowest and highest value over every verdict the unscored samples might have had."
    yield Table("bounds", "What the unscored samples could change", columns, tuple(rows), (note,))


def transition_tables(block: Block, axes: Axes) -> Iterable[Table]:
    """Base outcome (rows) to the other arm's outcome (columns), sample by sample."""
    for pair in block.pairs:
        if isinstance(pair.base, SampledArm) and isinstance(pair.other, SampledArm):
            pairs, _ = match(pair.base.rows, pair.other.rows)
            if pairs:
                yield transition(pair, pairs, axes)


def transition(pair: Pair, pairs: list[tuple[Row, Row]], axes: Axes) -> Table:
    moves = Counter((state(b), state(o)) for b, o in pairs)
    states: list[Quadrant | None] = list(ORDER)
    if any(None in move for move in moves):
        states.append(None)
    names = {quadrant: axes.quadrants[quadrant] if quadrant else UNSCORED for quadrant in states}
    columns = (
        Column("from", f"{pair.base.label} ↓   {pair.other.label} →"),
        *(Column(quadrant.value if quadrant else UNSCORED, names[quadrant], "right") for quadrant in states),
    )

    def cell(start: Quadrant | None, end: Quadrant | None) -> Cell:
        behind = moved(pair.base, pair.other, (start or UNSCORED,), (end or UNSCORED,))
        return Cell(str(moves[start, end]), moves[start, end], {0: behind})

    rows = tuple((text_cell(names[start]), *(cell(start, end) for end in states)) for start in states)
    changed = sum(count for (start, end), count in moves.items() if start != end)
    note = f"{changed} of {len(pairs)} paired samples changed their outcome."
    return Table(
        f"transitions:{pair.base.id}:{pair.other.id}", f"Moves: {pair.label}", columns, rows, (note,), detail=True
    )


def state(row: Row) -> Quadrant | None:
    return row.verdict.quadrant if isinstance(row.verdict, Outcome) else None
