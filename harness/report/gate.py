"""Whether a run's arms keep conditions with a margin: non-inferiority against the bound of an interval, never against a point
estimate. Every condition has to hold for every arm, so that nothing is corrected for their number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.errors import UsageError, plural
from harness.report.analysis import Block, analyse
from harness.report.arms import Arm, SampledArm
from harness.report.data import ReportData
from harness.report.gate_conditions import Condition, parse_condition
from harness.report.measures import named
from harness.report.metrics import Metric
from harness.report.numbers import bracket, decimals_of, percent, points, signed, significant
from harness.report.result_tables import first_pair
from harness.report.seeds import spread
from harness.report.table import Cell, Column, Table, text_cell
from harness.stats import MIN_ITEMS, Interval, items_needed

Verdict = Literal["pass", "fail", "not enough items"]


@dataclass(frozen=True)
class Judged:
    """One condition for one arm. `unit`: what there is too little of."""

    condition: Condition
    arm: str
    metric: Metric
    verdict: Verdict
    value: float | None
    interval: Interval | None
    count: int
    needed: int | None = None
    unit: str = "item"
    cause: str = ""

    @property
    def found(self) -> str:
        """ "−1.8 pp [−6.2, +2.6]"."""
        if self.value is None:
            return self.cause
        scale = 100.0 if self.metric.is_rate else 1.0
        decimals = 1 if self.metric.is_rate else decimals_of(self.value)
        if self.condition.relative:
            value = points(self.value) if self.metric.is_rate else signed(self.value, decimals)
        else:
            value = percent(self.value) if self.metric.is_rate else significant(self.value)
        return f"{value} {bracket(self.interval, scale, decimals, sign=self.condition.relative)}"

    @property
    def described(self) -> str:
        if self.verdict != "not enough items":
            return f"{self.verdict}{f': {self.cause}' if self.cause and self.value is not None else ''}"
        would = f"; about {self.needed:,} would do" if self.needed else ""
        return (
            f"not enough {self.unit}s: {plural(self.count, self.unit)}{would}{f' ({self.cause})' if self.cause else ''}"
        )


@dataclass(frozen=True)
class Measured:
    """A value with its interval, and how much it rests on."""

    value: float | None
    interval: Interval | None
    count: int
    unit: str = "item"
    proportion: bool = False  # its interval is a proportion's: where nothing varies, it narrows as 1/n


def judge(data: ReportData, texts: Sequence[str], arms: Sequence[str] = ()) -> list[Judged]:
    """Every condition for every arm that is compared with a base (for all, where nothing is), or for those named.

    Raises:
        UsageError: a condition cannot be read or names what the run has not.
    """
    blocks = {block.key: block for block in analyse(data)}
    conditions = [parse_condition(text, blocks) for text in texts]
    known = dict.fromkeys(label for block in blocks.values() for label, *_ in _arms(block))
    if unknown := [name for name in arms if name not in known]:
        raise UsageError(f"no arm is called {unknown[0]!r}", f"one of {', '.join(known)}")
    return [one for condition in conditions for one in _judge(condition, blocks[condition.suite], arms)]


def _judge(condition: Condition, block: Block, arms: Sequence[str]) -> Iterator[Judged]:
    metric = named(block.metrics, condition.measure, block.key)
    chosen = [(label, own, compared) for label, own, compared in _arms(block) if not arms or label in arms]
    if not arms and any(compared for *_, compared in chosen):
        chosen = [one for one in chosen if one[2]]
    if condition.relative and not any(compared for *_, compared in chosen):
        raise UsageError(f"{condition.text!r}: no arm of {block.key} has a base", "run it beside --compressor none")
    for label, own, compared in chosen:
        if condition.relative and not compared:
            continue
        short = [f"{arm.label}: {arm.cell.attempted} of {arm.cell.planned} samples" for arm in own if _partial(arm)]
        yield _verdict(condition, label, metric, _measured(block, label, metric, condition.relative), "; ".join(short))


def _arms(block: Block) -> Iterator[tuple[str, list[SampledArm], bool]]:
    """(label, its cells, whether it has a base); over seeds, where arms have several."""
    if block.seed_groups:
        compared = {pair.other.label for pair in block.seed_pairs}
        for group in block.seed_groups:
            yield group.label, list(group.arms.values()), group.label in compared
    else:
        for arm in block.arms:
            if isinstance(arm, SampledArm):
                yield arm.label, [arm], first_pair(block, arm) is not None


def _partial(arm: SampledArm) -> bool:
    return arm.cell.attempted < arm.cell.planned


def _measured(block: Block, label: str, metric: Metric, relative: bool) -> Measured:
    if block.seed_groups:
        return _over_seeds(block, label, metric, relative)
    return _of_cell(block, next(arm for arm in block.arms if arm.label == label), metric, relative)


def _of_cell(block: Block, arm: Arm, metric: Metric, relative: bool) -> Measured:
    if not relative:
        return _estimate(arm, metric)
    pair = first_pair(block, arm)
    comparison = block.comparison(pair, metric) if pair else None
    difference = comparison.difference if comparison else None
    if comparison is None or difference is None:
        return Measured(None, None, 0)
    return Measured(difference.delta, difference.interval, comparison.items, proportion=difference.se == 0)


def _estimate(arm: Arm, metric: Metric) -> Measured:
    found = arm.estimate(metric)
    extreme = metric.is_proportion and found.value in (0.0, 1.0)
    return Measured(found.value, found.interval, arm.items, proportion=extreme)


def _over_seeds(block: Block, label: str, metric: Metric, relative: bool) -> Measured:
    """The mean over seeds with its interval. Where all seeds give the same, that interval says nothing: it is then the
    hull of each seed's own, over items."""
    group = next(group for group in block.seed_groups if group.label == label)
    if relative:
        pair = next(pair for pair in block.seed_pairs if pair.other.label == label)
        comparison = block.seed_comparison(pair, metric)
        found = comparison.difference if comparison else spread({}, bounded=False)
    else:
        found = spread(group.values(metric), bounded=metric.is_rate)
    if found.sd:
        return Measured(found.mean, found.interval, len(found.seeds), "seed")
    own = [_of_cell(block, arm, metric, relative) for seed, arm in group.arms.items() if seed in found.seeds]
    intervals = [one.interval for one in own if one.interval]
    if not own or len(intervals) < len(own):
        return Measured(found.mean, None, min((one.count for one in own), default=0))
    hull = Interval(min(one.low for one in intervals), max(one.high for one in intervals))
    return Measured(found.mean, hull, min(one.count for one in own), proportion=all(one.proportion for one in own))


def _verdict(condition: Condition, label: str, metric: Metric, found: Measured, missing: str) -> Judged:
    def result(verdict: Verdict, needed: int | None = None, cause: str = "") -> Judged:
        return Judged(
            condition, label, metric, verdict, found.value, found.interval, found.count, needed, found.unit, cause
        )

    if found.value is None:
        return result("not enough items", cause=missing or "nothing was measured")
    sign = 1.0 if condition.at_least else -1.0
    few = found.unit == "item" and found.count < MIN_ITEMS
    if sign * (found.value - condition.limit) < 0 and not few:
        return result("fail", cause=missing)
    if missing:
        return result("not enough items", cause=missing)
    bound = None if found.interval is None else found.interval.low if condition.at_least else found.interval.high
    if bound is None or few or sign * (bound - condition.limit) < 0:
        needed = None
        if bound is not None:
            needed = items_needed(found.count, found.value, bound, condition.limit, found.proportion)
        return result("not enough items", max(needed or 0, MIN_ITEMS if few else 0) or None)
    return result("pass")


# ------------------------------------------------------------------------------------------------------------- as a table


def gate_table(judged: Iterable[Judged]) -> Table:
    columns = (
        Column("condition", "condition"),
        Column("arm", "arm"),
        Column("found", "found, 95 %", "left", -1),
        Column("verdict", "verdict", "left", -1),
    )
    rows = tuple(
        (text_cell(one.condition.text), text_cell(one.arm), Cell(one.found, one.value), text_cell(one.described))
        for one in judged
    )
    return Table("gate", "", columns, rows)


def exit_code(judged: Sequence[Judged]) -> int:
    """0: all pass; 1: one fails; 3: none fails, and one has too few items."""
    verdicts = {one.verdict for one in judged}
    return 1 if "fail" in verdicts else 3 if "not enough items" in verdicts else 0
