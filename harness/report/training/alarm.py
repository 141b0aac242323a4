"""The alarm of a training run: did the proxy improve, and what it stands for not? Usable for every trainer that logs, in each
row, `proxy_by_item` and `truth_by_item` (an item's mean over its rollouts), and as counts `passed`, `passed_true`, `rollouts`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from harness.report.data import TrainingRun
from harness.report.training.arms import number
from harness.stats import ALPHA
from harness.stats.divergence import (
    Cause,
    Change,
    Passed,
    causes,
    correlation,
    coupling_change,
    paired_change,
    watering_change,
)


@dataclass(frozen=True)
class Cycle:
    """One row: proxy and truth of its items, and what passed."""

    step: int
    proxy: Mapping[str, float]
    truth: Mapping[str, float]
    passed: Passed | None = None

    def coupling(self) -> float | None:
        items = sorted(self.proxy.keys() & self.truth.keys())
        return correlation([self.proxy[item] for item in items], [self.truth[item] for item in items])


@dataclass(frozen=True)
class Since:
    """A cycle against the first."""

    cycle: Cycle
    proxy: Change
    truth: Change
    causes: tuple[Cause, ...]

    @property
    def gap(self) -> float | None:
        """z of the proxy's change less z of the truth's; None where one of them has no spread."""
        if not self.proxy.se or not self.truth.se:
            return None
        return self.proxy.delta / self.proxy.se - self.truth.delta / self.truth.se


@dataclass(frozen=True)
class Alarm:
    """What a run's cycles say. `looks` is how many there were after the first: intervals hold for all of them together."""

    first: Cycle
    since: tuple[Since, ...]

    @property
    def rang(self) -> Since | None:
        """The first cycle that gives cause."""
        return next((one for one in self.since if one.causes), None)

    @property
    def verdict(self) -> str:
        """In a word, at the end of the run. Nothing is called improved whose truth was not seen to rise."""
        last = self.since[-1]
        if last.truth.falls:
            return "worse"
        if last.truth.rises:
            return "improved" if last.proxy.rises else "truth alone"
        return "proxy alone" if last.proxy.rises else "no change shown"


def alarm_of(run: TrainingRun) -> Alarm | None:
    """None for a run whose rows do not say proxy and truth by item, or that has one."""
    cycles = [cycle for row in run.rows if (cycle := cycle_of(row))]
    if len(cycles) < 2:
        return None
    confidence = 1 - ALPHA / (len(cycles) - 1)
    first = cycles[0]
    return Alarm(first, tuple(since(first, cycle, confidence) for cycle in cycles[1:]))


def since(first: Cycle, later: Cycle, confidence: float) -> Since:
    """On the items that both have."""
    items = sorted(first.proxy.keys() & first.truth.keys() & later.proxy.keys() & later.truth.keys())
    proxy, truth = (
        paired_change([before[item] for item in items], [after[item] for item in items], rate, confidence)
        for before, after, rate in ((first.proxy, later.proxy, False), (first.truth, later.truth, True))
    )
    coupling = coupling_change(first.coupling(), later.coupling(), len(items), confidence)
    watering = watering_change(first.passed, later.passed, confidence) if first.passed and later.passed else None
    return Since(later, proxy, truth, causes(proxy, truth, coupling, watering))


def cycle_of(row: Mapping[str, JsonValue]) -> Cycle | None:
    proxy, truth = (by_item(row.get(name)) for name in ("proxy_by_item", "truth_by_item"))
    step = row.get("step")
    if not proxy or not truth or not isinstance(step, int):
        return None
    counts = [row.get(name) for name in ("passed", "rollouts", "passed_true")]
    known = [count for count in counts if isinstance(count, int)]
    return Cycle(step, proxy, truth, Passed(*known) if len(known) == len(counts) else None)


def by_item(given: JsonValue) -> dict[str, float]:
    pairs = given.items() if isinstance(given, dict) else ()
    return {item: value for item, found in pairs if (value := number(found)) is not None}


def runs_alarms(runs: Mapping[int, TrainingRun]) -> Sequence[tuple[int, Alarm]]:
    """By seed, of the runs that say enough."""
    return [(seed, alarm) for seed, run in sorted(runs.items()) if (alarm := alarm_of(run))]
