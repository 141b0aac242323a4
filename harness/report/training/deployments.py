"""One training, deployed in several ways: does the deployment that should have unlearned hacking do better than merely
shrinking the same policy?

The frontier is a policy whose deployed step is scaled by a number, from the untouched model on. A deployment is judged by the
solving that the frontier offers at no more hacking than its own: F(x) = max { y : (x', y) on the frontier, x' ≤ x }, along
straight lines between the deployed scales, seed by seed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from pydantic import JsonValue

from harness.contract import Rate
from harness.report.metrics import Metric
from harness.report.seeds import SeedComparison, SeedGroup, spread
from harness.report.training.arms import number
from harness.report.training.contrasts import Found, Refused, seed_text
from harness.stats import holm, sign_flip

Point = tuple[float, float]  # (rate that should be low, rate that should be high)


@dataclass(frozen=True)
class Deployment:
    label: str
    values: Mapping[str, JsonValue]  # the trainer's deployment parameters
    points: Mapping[int, Point]  # by seed, on held-out items
    scale: float | None = None  # where it is a point of the frontier


@dataclass(frozen=True)
class Deployments:
    low: Rate
    high: Rate
    arms: tuple[Deployment, ...]
    untouched: Deployment | None
    above: Mapping[str, Found]  # label -> how far above the frontier, for those that are no part of it

    @property
    def frontier(self) -> list[Deployment]:
        """From the untouched model to the largest scale; empty where nothing was scaled."""
        scaled = sorted((arm for arm in self.arms if arm.scale is not None), key=lambda arm: arm.scale or 0.0)
        return ([self.untouched] if self.untouched else []) + scaled if scaled else []


def deployments(
    groups: Sequence[SeedGroup], untouched: Sequence[SeedGroup], rates: Sequence[Rate]
) -> list[Deployments]:
    """One for each training that the run deploys in more than one way."""
    low = next((rate for rate in rates if rate.better == "low"), None)
    high = next((rate for rate in rates if rate.better == "high"), None)
    if low is None or high is None:
        return []
    shared: dict[tuple[str, ...], list[SeedGroup]] = {}
    for group in groups:
        cells = [arm.cell for _, arm in sorted(group.arms.items())]
        if all(cell.training for cell in cells):
            shared.setdefault(tuple(str(cell.training) for cell in cells), []).append(group)
    base = {group.config[0]: deployment(group, low, high) for group in untouched}
    return [
        compare_deployments(found, base.get(found[0].config[0]), low, high)
        for found in shared.values()
        if len(found) > 1
    ]


def deployment(group: SeedGroup, low: Rate, high: Rate) -> Deployment:
    down, up = (group.values(Metric(rate.name, rate.title, "rate", rate)) for rate in (low, high))
    values = next(iter(group.arms.values())).cell.deployment
    return Deployment(group.label, values, {seed: (down[seed], up[seed]) for seed in down if seed in up})


def compare_deployments(
    groups: Sequence[SeedGroup], untouched: Deployment | None, low: Rate, high: Rate
) -> Deployments:
    found = with_frontier([deployment(group, low, high) for group in groups])
    whole = Deployments(low, high, tuple(found), untouched, {})
    if not whole.frontier:
        return whole
    margins = {arm.label: margin_over_frontier(arm, whole.frontier) for arm in found if arm.scale is None}
    p_values = [1.0 if isinstance(one, Refused) or one.p is None else one.p for one in margins.values()]
    adjusted: dict[str, Found] = {
        label: one if isinstance(one, Refused) else replace(one, adjusted=p, method="Holm", family=len(margins))
        for (label, one), p in zip(margins.items(), holm(p_values), strict=True)
    }
    return replace(whole, above=adjusted)


def with_frontier(arms: Sequence[Deployment]) -> list[Deployment]:
    """Mark the arms that differ in one number alone: the longest such line is the frontier."""
    names = dict.fromkeys(key for arm in arms for key in arm.values)
    lines = [(name, line) for name in names for line in _lines(arms, name)]
    name, longest = max(lines, key=lambda line: _points(*line), default=("", []))
    if _points(name, longest) < 2:
        return list(arms)
    on_line = {arm.label for arm in longest}
    return [replace(arm, scale=number(arm.values[name])) if arm.label in on_line else arm for arm in arms]


def _lines(arms: Sequence[Deployment], name: str) -> Iterable[list[Deployment]]:
    """Arms that are alike in all but the number `name`."""
    found: dict[str, list[Deployment]] = {}
    for arm in arms:
        rest = str(sorted((key, str(value)) for key, value in arm.values.items() if key != name))
        if number(arm.values.get(name)) is not None:
            found.setdefault(rest, []).append(arm)
    return found.values()


def _points(name: str, line: Sequence[Deployment]) -> int:
    return len({arm.values[name] for arm in line})


def margin_over_frontier(arm: Deployment, frontier: Sequence[Deployment]) -> Found:
    """The arm's solving minus the frontier's at no more hacking, paired by seed."""
    for point in frontier:
        if set(point.points) != set(arm.points):
            ours, theirs = sorted(arm.points), sorted(point.points)
            return Refused(f"seeds {seed_text(ours)} against {seed_text(theirs)} of {point.label}")
    reached = {
        seed: frontier_at([at.points[seed] for at in frontier], x) for seed, (x, _) in sorted(arm.points.items())
    }
    own = {seed: y for seed, (_, y) in sorted(arm.points.items())}
    gaps = {seed: own[seed] - reached[seed] for seed in own}
    return SeedComparison(
        spread(reached, bounded=True),
        spread(own, bounded=True),
        spread(gaps, bounded=False),
        sign_flip(np.array(list(gaps.values()))).p,
    )


def frontier_at(path: Sequence[Point], x: float) -> float:
    """Most of the high rate on the path at no more than x of the low one; if the path never gets that low, the high
    rate at its lowest point."""
    reached = [y for at, y in path if at <= x]
    for (x1, y1), (x2, y2) in pairwise(path):
        if min(x1, x2) < x < max(x1, x2):
            reached.append(y1 + (y2 - y1) * (x - x1) / (x2 - x1))
    if reached:
        return max(reached)
    least = min(at for at, _ in path)
    return max(y for at, y in path if at == least)
