"""How much each unit matters: the damage that compressing it does to a response, by each design, and what the controls say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.contract.sensitivity import Effect
from harness.planning.screening import BASE, FACTORIAL, IDENTITY, WHOLE, Screen
from harness.report.sensitivity.responses import Table
from harness.stats.designs import main_effects
from harness.stats.intervals import cluster_sums, ratio_se


@dataclass(frozen=True)
class Controls:
    """`identity`: the largest change of an item by a run that compresses nothing. `noise`: of the mean, by a null probe.
    `whole`: the damage of compressing all. `foretold`: of each random mask, (damage by the sum of effects, as measured)."""

    identity: float
    noise: float
    whole: Effect
    foretold: tuple[tuple[float, float], ...]


def damages(screen: Screen, design: str, table: Table) -> list[Effect]:
    """By unit: how much less the mean response is where the unit is compressed, paired by item."""
    runs = screen.of(design)
    if design in FACTORIAL:
        signs = np.full((len(runs), len(screen.units)), -1)
        for row, run in enumerate(runs.values()):
            signs[row, list(run.on)] = 1
        lost = -main_effects(signs, table.at(list(runs)))
    elif design == "add-one":
        lost = table.of(BASE) - table.at(list(runs))
    else:
        lost = table.at(list(runs)) - table.of(WHOLE)
    return [_effect(row, table) for row in lost]


def controls(screen: Screen, table: Table, effects: Sequence[Effect]) -> Controls:
    base = table.of(BASE)
    nulls = [float(abs((base - table.of(label)).mean())) for label in screen.of("null")]
    halves = screen.of(*FACTORIAL)
    centre = table.at(list(halves)).mean() if halves else 0.0
    foretold = []
    for label, run in screen.of("random").items():
        lost = sum((0.5 if index in run.on else -0.5) * one.damage for index, one in enumerate(effects))
        foretold.append((float(base.mean() - centre + lost), float(base.mean() - table.of(label).mean())))
    return Controls(
        identity=float(abs(base - table.of(IDENTITY)).max()),
        noise=max(nulls),
        whole=_effect(base - table.of(WHOLE), table),
        foretold=tuple(foretold),
    )


def spearman(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Rank correlation, ties at their mean rank; None where one side does not vary."""
    a, b = (_ranks(values) for values in (first, second))
    spread = float(a.std() * b.std())
    return float(((a - a.mean()) * (b - b.mean())).mean() / spread) if spread else None


def _ranks(values: Sequence[float]) -> np.ndarray:
    given = np.asarray(values, dtype=float)
    less = (given[None, :] < given[:, None]).sum(axis=1)
    same = (given[None, :] == given[:, None]).sum(axis=1)
    return less + (same + 1) / 2


def _effect(lost: np.ndarray, table: Table) -> Effect:
    sums, counts = (cluster_sums(each, table.clusters) for each in (lost, np.ones(len(lost))))
    error = ratio_se(sums, counts) if len(sums) > 1 else None
    return Effect(damage=float(lost.mean()), error=error)
