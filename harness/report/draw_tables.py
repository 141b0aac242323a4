"""Tables over the draws of a randomised control: their mean and range, beside the arm that they control.

One draw is one sample of what chance would do; a real effect lies outside the range of the draws.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.report.analysis import Block
from harness.report.arms import Arm, SampledArm
from harness.report.estimate_cells import METRICS_PER_TABLE
from harness.report.metrics import Metric
from harness.report.numbers import NONE, percent, significant
from harness.report.table import Cell, Column, Table, text_cell


@dataclass(frozen=True)
class Draws:
    """One randomised control: its draws, and its treatment if that ran too."""

    label: str
    arms: Sequence[SampledArm]
    controlled: Arm | None

    def values(self, metric: Metric) -> list[float]:
        found = (arm.estimate(metric).value for arm in self.arms if arm.samples())
        return [value for value in found if value is not None]


def draws_of(block: Block) -> list[Draws]:
    """In order of first appearance; draws under another trainer, model or seed are another control."""
    grouped: dict[tuple[str, str, str, int], list[SampledArm]] = {}
    for arm in block.arms:
        if isinstance(arm, SampledArm) and arm.cell.draw_of:
            cell = arm.cell
            grouped.setdefault((arm.cell.draw_of, cell.model, cell.trainer, cell.seed), []).append(arm)
    controlled = {pair.base.id: pair.other for pair in block.pairs if pair.factor == "control"}
    return [
        Draws(_label(arms[0]), arms, next((controlled[arm.id] for arm in arms if arm.id in controlled), None))
        for arms in grouped.values()
    ]


def draw_tables(block: Block) -> Iterable[Table]:
    """Empty if no arm is a draw."""
    groups = draws_of(block)
    if not groups:
        return
    for part, start in enumerate(range(0, len(block.metrics), METRICS_PER_TABLE)):
        metrics = block.metrics[start : start + METRICS_PER_TABLE]
        columns = (
            Column("configuration", "configuration"),
            Column("draws", "draws", "right"),
            Column("bits_per_weight", "bits/w", "right"),
            *(Column(metric.key, metric.title, "right") for metric in metrics),
        )
        rows = [row for group in groups for row in _rows(group, metrics)]
        note = "Draws: mean, and lowest to highest. Above: how many draws the controlled arm exceeds."
        key = "draws" if part == 0 else f"draws-{part + 1}"
        yield Table(key, "Randomised controls", columns, tuple(rows), (note,))


def _rows(group: Draws, metrics: Sequence[Metric]) -> Iterable[tuple[Cell, ...]]:
    if group.controlled is not None:
        cells = [_controlled(group, group.controlled, metric) for metric in metrics]
        yield text_cell(group.controlled.label), Cell(NONE), _bits(group.controlled), *cells
    count = Cell(str(len(group.arms)), [arm.label for arm in group.arms])
    yield text_cell(group.label), count, _bits(group.arms[0]), *(_spread(group, metric) for metric in metrics)


def _label(arm: SampledArm) -> str:
    """The arm's label without the number of the draw."""
    return arm.label.replace(arm.cell.compressor, arm.cell.draw_of)


def _bits(arm: Arm) -> Cell:
    bits = arm.compression.bits_per_weight if arm.compression else None
    return Cell(NONE if bits is None else f"{bits:.3f}", bits)


def _controlled(group: Draws, arm: Arm, metric: Metric) -> Cell:
    value = arm.estimate(metric).value if arm.samples() else None
    if value is None:
        return Cell(NONE)
    values = group.values(metric)
    below = sum(other < value for other in values)
    text = f"{_written(value, metric)}\nabove {below}/{len(values)}"
    return Cell(text, {"value": value, "above": below, "draws": len(values)})


def _spread(group: Draws, metric: Metric) -> Cell:
    values = group.values(metric)
    if not values:
        return Cell(NONE)
    mean, low, high = sum(values) / len(values), min(values), max(values)
    text = f"{_written(mean, metric)}\n{_written(low, metric)} – {_written(high, metric)}"
    return Cell(text, {"mean": mean, "low": low, "high": high, "values": list(values)})


def _written(value: float, metric: Metric) -> str:
    return percent(value) if metric.is_rate else significant(value)
