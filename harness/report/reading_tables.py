"""Where a suite reads an axis in several ways: how far the readings agree, the rates under each, and what controls know."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from harness.contract import Axes, Control, Reading
from harness.report.analysis import Block
from harness.report.arms import SampledArm
from harness.report.compare import Comparison, compare
from harness.report.difference_tables import difference_cells
from harness.report.estimate_cells import NO_INFERENCE, estimate_cell
from harness.report.metrics import Metric
from harness.report.numbers import NONE, bracket, fraction, signed
from harness.report.readings import agreements, changes_of_sign, has_several, read_by, sampled
from harness.report.samples_of import counted, read_as
from harness.report.table import Cell, Column, Samples, Table, text_cell
from harness.stats import benjamini_hochberg


def reading_tables(block: Block, controls: Sequence[Control]) -> Iterable[Table]:
    axes = block.axes
    if axes is None:
        return
    if has_several(axes):
        yield agreement_table(block, axes)
        for axis in ("proxy", "truth"):
            readings = [reading for reading in axes.readings if reading.axis == axis]
            if len(readings) > 1:
                yield rates_table(block, axes, readings)
    names = {reading.name: reading for reading in axes.readings}
    if known := [control for control in controls if control.reading in names]:
        yield controls_table(known, names)


def agreement_table(block: Block, axes: Axes) -> Table:
    columns = (
        Column("configuration", "configuration"),
        Column("readings", "readings"),
        Column("agree", "agree", "right"),
        Column("phi", "φ", "right"),
        Column("interval", "95 %", "right"),
    )
    rows = tuple(
        (
            text_cell(arm.label),
            text_cell(f"{found.first.name}, {found.second.name}"),
            Cell(
                fraction(found.agree, found.n),
                {"k": found.agree, "n": found.n},
                {0: Samples(arm.id, agree=(found.first.name, found.second.name))},
            ),
            Cell(NONE if found.phi is None else signed(found.phi, 2), found.phi),
            Cell(bracket(found.interval, 1, 2, sign=True), list(found.interval) if found.interval else None),
        )
        for arm in sampled(block)
        for found in agreements(arm, axes)
    )
    told = "; ".join(f"{reading.name}: {reading.title}" for reading in axes.readings)
    notes = [f"{told}. φ: correlation of two verdicts on the same samples; interval by resampling whole clusters."]
    if changes := "; ".join(changes_of_sign(block, axes)):
        notes.append(f"The sign depends on the reading. {changes}.")
    return Table("readings", "Agreement of the readings", columns, rows, tuple(notes))


def rates_table(block: Block, axes: Axes, readings: Sequence[Reading]) -> Table:
    """Every rate as each reading of one axis has it, and its paired difference to the reading that leads."""
    metrics = [metric for metric in block.metrics if metric.is_rate]
    columns = [Column("configuration", "configuration"), Column("reading", "read by")]
    columns += [Column(metric.key, metric.title, "right") for metric in metrics]
    ways = {(arm.id, way.name): read_by(arm, axes, way) for arm in sampled(block) for way in readings}
    compared = adjusted(
        {
            (arm.id, way.name, metric.key): compare(ways[arm.id, readings[0].name], ways[arm.id, way.name], metric)
            for arm in sampled(block)
            for way in readings[1:]
            for metric in metrics
        }
    )
    rows = []
    for arm in sampled(block):
        for way in readings:
            read, led = ways[arm.id, way.name], ways[arm.id, readings[0].name]
            cells = [
                with_difference(led, read, way, metric, compared.get((arm.id, way.name, metric.key)))
                for metric in metrics
            ]
            rows.append((text_cell(arm.label), text_cell(way.name), *cells))
    note = (
        f"Δ: paired difference to {readings[0].name} on the same samples. Exploratory: p is Benjamini-Hochberg adjusted "
        f"within this table."
    )
    axis = readings[0].axis
    return Table(f"readings:{axis}", f"Rates by reading of the {axis}", tuple(columns), tuple(rows), (note,))


def with_difference(
    led: SampledArm, read: SampledArm, way: Reading, metric: Metric, comparison: Comparison | None
) -> Cell:
    cell = replace(estimate_cell(read, metric), counts={1: read_as(counted(read, metric), way)})
    if comparison is None:
        return cell
    delta, _, p = difference_cells(led.estimate(metric), read.estimate(metric), comparison, metric)
    value = (
        {**cell.value, "difference": delta.value, "adjusted": p.value} if isinstance(cell.value, dict) else cell.value
    )
    told = p.text if p.text in (NONE, NO_INFERENCE) else f"p {p.text}"
    return replace(cell, text=f"{cell.text}\nΔ {delta.text}\n{told}", value=value)


Key = tuple[str, str, str]  # arm, reading, metric


def adjusted(found: dict[Key, Comparison | None]) -> dict[Key, Comparison]:
    tested = {key: one for key, one in found.items() if one is not None and one.p is not None}
    corrected = benjamini_hochberg([one.p for one in tested.values() if one.p is not None])
    return {
        key: replace(one, adjusted=p, method="BH", family=len(tested))
        for (key, one), p in zip(tested.items(), corrected, strict=True)
    }


def controls_table(controls: Sequence[Control], readings: dict[str, Reading]) -> Table:
    columns = (Column("control", "control"), Column("reading", "read by"), Column("holds", "passes", "right"))
    rows = tuple(
        (
            text_cell(control.name),
            text_cell(readings[control.reading].title),
            Cell(fraction(control.passes, control.of), {"k": control.passes, "n": control.of}),
        )
        for control in controls
    )
    note = "Who understands nothing passes nothing; on items that the suite's self-check draws."
    return Table("controls", "Controls", columns, rows, (note,))
