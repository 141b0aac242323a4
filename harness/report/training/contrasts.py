"""Differences between training arms: seed by seed over the same seeds, or refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from pydantic import JsonValue

from harness.report.seeds import SeedComparison, Spread, spread
from harness.report.training.arms import PublishedTraining, TrainedArm
from harness.stats import holm, sign_flip

TOLERANCE = 0.001  # between a published difference and that of the published means, which are rounded


@dataclass(frozen=True)
class Refused:
    """Why two arms have no meaningful or no known difference."""

    reason: str
    verdict: Literal["refused", "not available", "same training"] = "refused"


Found = SeedComparison | Refused


@dataclass(frozen=True)
class TrainingContrast:
    base: str  # label
    other: str
    rates: Mapping[str, Found]
    differs: Mapping[str, tuple[JsonValue, JsonValue]] = field(default_factory=dict)  # parameter -> (base's, other's)
    remarks: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        return f"{self.other} vs {self.base}"


def compare_training(base: TrainedArm, other: TrainedArm, rates: Iterable[str]) -> TrainingContrast:
    """Paired by seed; refused where the two were run under different seeds or for different lengths."""
    differs = {
        key: (base.params.get(key), other.params.get(key))
        for key in dict.fromkeys([*base.params, *other.params])
        if base.params.get(key) != other.params.get(key)
    }
    refused = Refused(reason) if (reason := mismatch(base, other)) else None
    missing = [arm.label for arm in (base, other) if not arm.runs]
    if missing:
        refused = Refused(
            f"{' and '.join(missing)} {'has' if len(missing) == 1 else 'have'} no finished run", "not available"
        )
    elif same_training(base, other):
        refused = Refused("one training, deployed in two ways", "same training")
    found = {rate: refused or paired(base.last_by_seed(rate), other.last_by_seed(rate)) for rate in rates}
    return TrainingContrast(base.label, other.label, found, differs)


def compare_to_start(arm: TrainedArm, rates: Iterable[str]) -> TrainingContrast:
    """Last steps against the untrained policy's rollouts of the first, seed by seed."""
    found = {rate: paired(arm.first_by_seed(rate), arm.last_by_seed(rate)) for rate in rates}
    return TrainingContrast("its first step", arm.label, found)


def same_training(base: TrainedArm, other: TrainedArm) -> bool:
    """Whether two arms share one training and differ in deployment only, so that there is nothing to test."""
    keys = [{seed: run.training for seed, run in arm.runs.items()} for arm in (base, other)]
    return keys[0] == keys[1] and bool(keys[0]) and None not in keys[0].values()


def mismatch(base: TrainedArm, other: TrainedArm) -> str:
    """Why the two cannot be compared; empty where they can."""
    if base.seeds != other.seeds:
        return f"seeds {seed_text(other.seeds)} against {seed_text(base.seeds)}"
    if base.steps != other.steps:
        return f"{steps_text(other.steps)} steps against {steps_text(base.steps)}"
    return ""


def paired(before: Mapping[int, float], after: Mapping[int, float]) -> Found:
    """Differences seed by seed. A run without the rate (it has no rollouts of its own) cannot be paired."""
    if set(before) != set(after) or not before:
        return Refused("the rate is missing under some seeds")
    gaps = {seed: after[seed] - before[seed] for seed in before}
    return SeedComparison(
        spread(before, bounded=True),
        spread(after, bounded=True),
        spread(gaps, bounded=False),
        sign_flip(np.array(list(gaps.values()))).p,
    )


def adjusted(contrasts: Sequence[TrainingContrast], rates: Iterable[str]) -> list[TrainingContrast]:
    """Holm over the declared contrasts, rate by rate; a refused one still counts, as p = 1."""
    rates = tuple(rates)
    by_rate: dict[str, list[Found]] = {}
    for rate in rates:
        found = [contrast.rates[rate] for contrast in contrasts]
        tests = [one for one in found if not (isinstance(one, Refused) and one.verdict == "same training")]
        p_values = holm([1.0 if isinstance(one, Refused) or one.p is None else one.p for one in tests])
        p_of = {id(one): p for one, p in zip(tests, p_values, strict=True)}
        by_rate[rate] = [
            one if isinstance(one, Refused) else replace(one, adjusted=p_of[id(one)], method="Holm", family=len(tests))
            for one in found
        ]
    return [
        replace(contrast, rates={rate: by_rate[rate][at] for rate in rates}) for at, contrast in enumerate(contrasts)
    ]


# ------------------------------------------------------------------------------------------------------------ published


def compare_published(base: PublishedTraining, other: PublishedTraining, rates: Iterable[str]) -> TrainingContrast:
    """As published where it was; computed where either row is one run of the same seed; else refused. A seed's value is
    never worked back out of a mean."""
    rates = tuple(rates)
    found: dict[str, Found] = {}
    remarks = []
    for rate in rates:
        first = other.row.against[:1] == (base.label,)
        given = other.row.deltas.get(rate) if first else None
        before, after = base.last(rate), other.last(rate)
        if given is not None:
            difference = Spread(given.seeds, given.mean, given.sd, None)
            found[rate] = SeedComparison(before, after, difference, p=None, method="as published")
            remarks += disagreement(rate, before, after, given.mean)
        else:
            found[rate] = difference_of_means(before, after)
    return TrainingContrast(base.label, other.label, found, remarks=tuple(remarks))


def difference_of_means(before: Spread, after: Spread) -> Found:
    if before.mean is None or after.mean is None:
        return Refused("not published", "not available")
    if sorted(before.seeds) != sorted(after.seeds):
        return Refused(f"seeds {seed_text(after.seeds)} against {seed_text(before.seeds)}")
    if len(before.seeds) > 1:
        return Refused("what each seed gave was not published", "not available")
    gap = Spread(after.seeds, after.mean - before.mean, None, None)
    return SeedComparison(before, after, gap, p=None, method="of one seed")


def disagreement(rate: str, before: Spread, after: Spread, published: float) -> list[str]:
    if before.mean is None or after.mean is None or abs(after.mean - before.mean - published) <= TOLERANCE + 1e-9:
        return []
    gap = after.mean - before.mean
    seeds = "" if sorted(before.seeds) == sorted(after.seeds) else ", which are of different seeds"
    return [
        f"{rate}: {published:+.3f} was published, the means beside it differ by {gap:+.3f}{seeds}".replace("-", "−")
    ]


def seed_text(seeds: Sequence[int]) -> str:
    """41–44, 46; a seed that was run twice says so: 41 ×2."""
    parts: list[tuple[int, int]] = []  # ranges of seeds that were run once
    words: list[str] = []
    for seed in sorted(set(seeds)):
        if seeds.count(seed) > 1:
            parts.append((seed, seed))
            words.append(f"{seed} ×{seeds.count(seed)}")
        elif parts and parts[-1][1] == seed - 1 and "×" not in words[-1]:
            parts[-1] = (parts[-1][0], seed)
            words[-1] = f"{parts[-1][0]}–{seed}"
        else:
            parts.append((seed, seed))
            words.append(str(seed))
    return ", ".join(words) or "none"


def steps_text(steps: Sequence[int]) -> str:
    return " or ".join(map(str, steps))
