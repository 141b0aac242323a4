"""An arm as each reading of its axes reads it, where a suite stores several verdicts on an item."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from harness.contract import Axes, Outcome, Reading
from harness.report.analysis import Block
from harness.report.arms import SampledArm, number
from harness.report.data import Row
from harness.report.numbers import points
from harness.report.shelf import Mapped
from harness.stats import Interval, phi, phi_interval

SAME = 1e-9


@dataclass(frozen=True)
class Agreement:
    """Two readings of the same samples of one arm."""

    first: Reading
    second: Reading
    n: int
    agree: int
    phi: float | None
    interval: Interval | None


def has_several(axes: Axes | None) -> bool:
    return axes is not None and len(axes.readings) > len(axes.leading())


def sampled(block: Block) -> list[SampledArm]:
    return [arm for arm in block.arms if isinstance(arm, SampledArm) and arm.samples()]


def agreements(arm: SampledArm, axes: Axes) -> Iterator[Agreement]:
    """Of every pair of readings, over the samples that both have read."""
    for first, second in combinations(axes.readings, 2):
        verdicts = [(row, said(row, axes, first), said(row, axes, second)) for row in arm.rows]
        read = [(row, a, b) for row, a, b in verdicts if a is not None and b is not None]
        one, other = [a for _, a, _ in read], [b for _, _, b in read]
        clusters = number([(row.family, row.cluster) for row, _, _ in read]).tolist()
        agree = sum(a == b for a, b in zip(one, other, strict=True))
        yield Agreement(first, second, len(read), agree, phi(one, other), phi_interval(one, other, clusters))


def said(row: Row, axes: Axes, reading: Reading) -> bool | None:
    """What the reading says of the sample; None where it has not read it."""
    return axes.verdict(reading, row.verdict) if isinstance(row.verdict, Outcome) else None


def read_by(arm: SampledArm, axes: Axes, reading: Reading) -> SampledArm:
    """The arm with this reading's verdict on its axis. A sample that it has not read counts as unscored."""

    def read(row: Row) -> Row:
        found = said(row, axes, reading)
        outcome = None
        if isinstance(row.verdict, Outcome) and found is not None:
            outcome = row.verdict.model_copy(update={reading.axis: found})
        return row._replace(verdict=outcome, error=row.error or (None if outcome else f"not read by {reading.name}"))

    return replace(arm, rows=Mapped(arm.rows, read))


def changes_of_sign(block: Block, axes: Axes) -> Iterator[str]:
    """What points one way under one reading and the other way under another: an arm's knowing against its doing, and what a
    declared contrast does to an axis. Exact ties point no way."""
    for arm in sampled(block):
        gaps = {
            f"{proxy.name} less {truth.name}": _share(arm, axes, proxy) - _share(arm, axes, truth)
            for proxy in _of(axes, "proxy")
            for truth in _of(axes, "truth")
        }
        if told := _both_ways(gaps):
            yield f"{arm.label}: {told}"
    for pair in block.pairs:
        if not (isinstance(pair.base, SampledArm) and isinstance(pair.other, SampledArm)):
            continue
        for axis in ("proxy", "truth"):
            moves = {
                each.name: _share(pair.other, axes, each) - _share(pair.base, axes, each) for each in _of(axes, axis)
            }
            if told := _both_ways(moves):
                yield f"{pair.label}: {told}"


def _of(axes: Axes, axis: str) -> Sequence[Reading]:
    return [reading for reading in axes.readings if reading.axis == axis]


def _share(arm: SampledArm, axes: Axes, reading: Reading) -> float:
    read = [found for row in arm.rows if (found := said(row, axes, reading)) is not None]
    return sum(read) / len(read) if read else float("nan")


def _both_ways(differences: dict[str, float]) -> str:
    if not (any(d > SAME for d in differences.values()) and any(d < -SAME for d in differences.values())):
        return ""
    return ", ".join(f"{points(d)} by {name}" for name, d in differences.items())
