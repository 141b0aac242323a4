"""Arms run under several seeds: the seed is the unit, and only equal seeds are ever paired."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.report.arms import SampledArm, label_cells
from harness.report.metrics import Metric
from harness.stats import ALPHA, Interval, cluster_t, minimal_p, sign_flip

Config = tuple[str, str, str]  # model, trainer, compressor: an arm without its seed


@dataclass(frozen=True)
class SeedGroup:
    """One arm under its seeds."""

    config: Config
    label: str
    arms: Mapping[int, SampledArm]  # by seed

    def values(self, metric: Metric, family: str | None = None) -> dict[int, float]:
        """The metric under each seed that has a value."""
        found = {seed: arm.estimate(metric, family).value for seed, arm in sorted(self.arms.items())}
        return {seed: value for seed, value in found.items() if value is not None}


@dataclass(frozen=True)
class Spread:
    """Mean over seeds, their standard deviation (None for one seed), and a t interval over seeds."""

    seeds: tuple[int, ...]
    mean: float | None
    sd: float | None
    interval: Interval | None


@dataclass(frozen=True)
class SeedComparison:
    base: Spread
    other: Spread
    difference: Spread  # over the seeds that both arms have
    p: float | None  # exact sign-flip over those seeds
    adjusted: float | None = None
    method: str = ""  # of adjustment
    family: int = 0  # how many tests it was adjusted over

    @property
    def minimal(self) -> float:
        return minimal_p(len(self.difference.seeds))

    @property
    def inference(self) -> bool:
        """Under six seeds no sign-flip test can reach 5 %: there is no inference."""
        return self.p is not None and self.minimal <= ALPHA


def spread(values: Mapping[int, float], bounded: bool) -> Spread:
    """`bounded` keeps the interval of a rate inside [0, 1]."""
    if not values:
        return Spread((), None, None, None)
    numbers = np.array(list(values.values()))
    interval = cluster_t(numbers, np.ones(len(numbers)), np.arange(len(numbers)))
    if interval is not None and bounded:
        interval = Interval(max(0.0, interval.low), min(1.0, interval.high))
    sd = float(numbers.std(ddof=1)) if len(numbers) > 1 else None
    return Spread(tuple(values), float(numbers.mean()), sd, interval)


def group_by_seed(arms: Iterable[SampledArm]) -> list[SeedGroup]:
    """Groups in order of first appearance; none if every arm has one seed."""
    groups = seed_groups(arms)
    return groups if any(len(group.arms) > 1 for group in groups) else []


def seed_groups(arms: Iterable[SampledArm]) -> list[SeedGroup]:
    """Arms grouped over their seeds, in order of first appearance."""
    grouped: dict[Config, dict[int, SampledArm]] = {}
    for arm in arms:
        config = (arm.cell.model, arm.cell.trainer, arm.cell.compressor)
        grouped.setdefault(config, {})[arm.cell.seed] = arm
    cells = [next(iter(found.values())).cell.model_copy(update={"seed": 0}) for found in grouped.values()]
    labels = label_cells(cells)
    return [
        SeedGroup(config, labels[cell.id], found) for (config, found), cell in zip(grouped.items(), cells, strict=True)
    ]


def compare_seeds(base: SeedGroup, other: SeedGroup, metric: Metric) -> SeedComparison | None:
    """Differences seed by seed; None without a seed in common."""
    before, after = base.values(metric), other.values(metric)
    shared = [seed for seed in before if seed in after]
    if not shared:
        return None
    gaps = {seed: after[seed] - before[seed] for seed in shared}
    return SeedComparison(
        spread({seed: before[seed] for seed in shared}, metric.is_rate),
        spread({seed: after[seed] for seed in shared}, metric.is_rate),
        spread(gaps, bounded=False),
        sign_flip(np.array(list(gaps.values()))).p,
    )


def configurations(groups: Sequence[SeedGroup]) -> dict[str, SeedGroup]:
    """Cell id -> the group that holds it."""
    return {arm.id: group for group in groups for arm in group.arms.values()}
