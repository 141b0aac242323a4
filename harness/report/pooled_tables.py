"""Quantiles over the parts of all items, such as the tokens of all texts: a mean hides the few that changed most."""

from __future__ import annotations

from collections.abc import Iterable

from harness.contract import Scores
from harness.report.analysis import Block
from harness.report.arms import SampledArm
from harness.report.numbers import bracket, decimals_of, significant
from harness.report.table import Cell, Column, Table, text_cell
from harness.stats import Pooled, pooled

QUANTILES = (0.5, 0.9, 0.99, 0.999)


def pooled_tables(block: Block) -> Iterable[Table]:
    """One table for each value that a suite pools."""
    arms = [arm for arm in block.arms if isinstance(arm, SampledArm)]
    for key in dict.fromkeys(key for arm in arms for scores in _scores(arm) for key in scores.pooled):
        rows = []
        for arm in arms:
            clusters = _clusters(arm, key)
            if clusters:
                mean, quantiles = pooled(clusters, QUANTILES)
                largest = max(map(max, clusters))
                rows.append(
                    (
                        text_cell(arm.label),
                        Cell(f"{sum(map(len, clusters)):,}", sum(map(len, clusters))),
                        *(map(_cell, (mean, *quantiles))),
                        Cell(significant(largest), largest),
                    )
                )
        columns = (
            Column("configuration", "configuration"),
            Column("n", "tokens", "right"),
            Column("mean", "mean", "right"),
            *(Column(f"{share:g}", f"{100 * share:g} %", "right") for share in QUANTILES),
            Column("largest", "largest", "right"),
        )
        title = key.replace("_", " ")
        note = "Of the tokens of all items, each counted once; 95 % over resamples of items with all their tokens."
        yield Table(f"pooled-{key}", f"{title}, token by token", columns, tuple(rows), (note,))


def _scores(arm: SampledArm) -> Iterable[Scores]:
    return (row.verdict for row in arm.rows if isinstance(row.verdict, Scores))


def _clusters(arm: SampledArm, key: str) -> list[list[float]]:
    """The values of each cluster of items."""
    found: dict[str, list[float]] = {}
    for row in arm.rows:
        if isinstance(row.verdict, Scores) and row.verdict.pooled.get(key):
            found.setdefault(row.cluster, []).extend(row.verdict.pooled[key])
    return list(found.values())


def _cell(one: Pooled) -> Cell:
    lines = [significant(one.value)]
    if one.interval:
        lines.append(bracket(one.interval, 1, decimals_of(one.value)))
    return Cell("\n".join(lines), {"value": one.value, "interval": list(one.interval) if one.interval else None})
