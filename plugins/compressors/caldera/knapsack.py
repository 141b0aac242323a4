"""One option per item, least total loss within a budget: the multiple-choice knapsack. Deterministic, no solver.

The lower convex hull of each item's (cost, loss) points, taken step by step in order of gain per bit, is the Lagrangian
optimum; it leaves at most one step of slack. A dynamic programme over a bucketed budget closes the gap when it is small.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

BUCKETS = 10_000
SMALL = 50_000_000  # items · options · buckets up to which the dynamic programme is fast enough


@dataclass(frozen=True)
class Option:
    cost: int  # stored bits
    loss: float


def solve(items: Sequence[Sequence[Option]], budget: int) -> list[int] | None:
    """The chosen option's index of every item, or None when even the cheapest options exceed the budget."""
    cheapest = sum(min(option.cost for option in options) for options in items)
    if cheapest > budget:
        return None
    candidates = [_by_hull(items, budget)]
    if sum(map(len, items)) * BUCKETS <= SMALL:
        candidates += [_filled(items, chosen, budget) for chosen in _by_buckets(items, budget)]
    return min(candidates, key=lambda chosen: _total(items, chosen)[1])


def lower_hull(options: Sequence[Option]) -> list[int]:
    """Indices on the lower convex hull from the cheapest option to the one of least loss, by rising cost."""
    order = sorted(range(len(options)), key=lambda i: (options[i].cost, options[i].loss))
    hull: list[int] = []
    for i in order:
        if hull and options[i].loss >= options[hull[-1]].loss:
            continue  # costlier and no better
        while len(hull) > 1 and _gain(options, hull[-1], i) >= _gain(options, hull[-2], hull[-1]):
            hull.pop()
        hull.append(i)
    return hull


def _gain(options: Sequence[Option], low: int, high: int) -> float:
    """Loss saved per bit from one option to a costlier one."""
    return (options[low].loss - options[high].loss) / max(1, options[high].cost - options[low].cost)


def _by_hull(items: Sequence[Sequence[Option]], budget: int) -> list[int]:
    hulls = [lower_hull(options) for options in items]
    chosen = [hull[0] for hull in hulls]
    spent = _total(items, chosen)[0]
    steps = [
        (-_gain(items[k], low, high), k, low, high) for k, hull in enumerate(hulls) for low, high in pairwise(hull)
    ]
    for _, k, low, high in sorted(steps):
        price = items[k][high].cost - items[k][low].cost
        if chosen[k] == low and spent + price <= budget:
            chosen[k], spent = high, spent + price
    return _filled(items, chosen, budget)


def _by_buckets(items: Sequence[Sequence[Option]], budget: int) -> list[list[int]]:
    """Exact in buckets of budget / BUCKETS bits, costs rounded up; empty when rounding leaves no room."""
    unit = -(-budget // BUCKETS)
    size = budget // unit
    best = np.zeros(size + 1)
    picks = np.zeros((len(items), size + 1), dtype=np.int16)
    for k, options in enumerate(items):
        table = np.full((len(options), size + 1), np.inf)
        for i, option in enumerate(options):
            cost = -(-option.cost // unit)
            if cost <= size:
                table[i, cost:] = best[: size + 1 - cost] + option.loss
        picks[k], best = table.argmin(axis=0), table.min(axis=0)
    if not np.isfinite(best[size]):
        return []
    chosen, left = [0] * len(items), size
    for k in reversed(range(len(items))):
        chosen[k] = int(picks[k, left])
        left -= -(-items[k][chosen[k]].cost // unit)
    return [chosen]


def _filled(items: Sequence[Sequence[Option]], chosen: list[int], budget: int) -> list[int]:
    """Spend what is left, largest saving first, until nothing more fits."""
    chosen = list(chosen)
    while True:
        left = budget - _total(items, chosen)[0]
        moves = [
            (items[k][i].loss - items[k][now].loss, k, i)
            for k, now in enumerate(chosen)
            for i in range(len(items[k]))
            if items[k][i].loss < items[k][now].loss and items[k][i].cost - items[k][now].cost <= left
        ]
        if not moves:
            return chosen
        _, k, i = min(moves)
        chosen[k] = i


def _total(items: Sequence[Sequence[Option]], chosen: Sequence[int]) -> tuple[int, float]:
    picked = [options[i] for options, i in zip(items, chosen, strict=True)]
    return sum(option.cost for option in picked), sum(option.loss for option in picked)
