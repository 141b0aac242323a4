"""Two arms on the same items: differences, their intervals and their tests.

The null hypothesis of every test here is that the two arms' results could be exchanged within a unit (an item, or a
cluster of items). Exchanging them unit by unit and recomputing the difference gives the reference distribution, for a
plain rate, for a mean, and for a conditional rate whose denominator moves as well.
"""

from __future__ import annotations

from functools import lru_cache
from math import comb, sqrt
from typing import NamedTuple

import numpy as np

from harness.stats.intervals import CONFIDENCE, Interval, cluster_sums, t_quantile, t_tail, wilson
from harness.stats.power import minimal_p

EXACT_UNITS = 14  # up to 2^14 exchanges are all enumerated
DRAWS = 10_000
SEED = 20_240_607
NO_SPREAD = 1e-12  # what rounding leaves of a zero


class PermutationTest(NamedTuple):
    p: float
    units: int
    minimal: float  # least p attainable with so many units, 2 / 2^units
    exact: bool  # all exchanges enumerated, rather than DRAWS random ones


class Difference(NamedTuple):
    """other - base, each Σ numerator / Σ denominator over shared items."""

    base: float
    other: float
    delta: float
    se: float | None
    interval: Interval | None


def mcnemar(gained: int, lost: int) -> float:
    """Exact two-sided p for items that changed verdict in one direction and in the other."""
    changed = int(gained) + int(lost)  # Python integers: 2**changed outgrows any fixed width
    tail = sum(comb(changed, i) for i in range(min(gained, lost) + 1))
    return min(1.0, 2 * tail / 2**changed)


@lru_cache(maxsize=EXACT_UNITS)
def _all_exchanges(units: int) -> np.ndarray:
    return (np.arange(2**units)[:, None] >> np.arange(units) & 1).astype(float)


def _exchanges(units: int) -> np.ndarray:
    """(B, units) of 0/1: every exchange when few, else DRAWS from a fixed seed, so that a report is reproducible."""
    if units <= EXACT_UNITS:
        return _all_exchanges(units)
    return np.random.default_rng(SEED).integers(0, 2, size=(DRAWS, units)).astype(float)


def swap_test(
    base_num: np.ndarray, base_den: np.ndarray, other_num: np.ndarray, other_den: np.ndarray
) -> PermutationTest:
    """Exchange the arms within each of (G,) units and compare |Σ num/Σ den - Σ num/Σ den| with the observed.

    Units in which the arms agree cannot matter and are left out of the enumeration. An exchange that empties a
    denominator counts as at least as extreme as the observed difference.
    """
    units = len(base_num)
    minimal = minimal_p(units)
    differs = (base_num != other_num) | (base_den != other_den)
    moved = int(differs.sum())
    if moved == 0 or not base_den.sum() or not other_den.sum():
        return PermutationTest(1.0, units, minimal, True)
    flips = _exchanges(moved)  # (B, G')
    num_gap, den_gap = (other_num - base_num)[differs], (other_den - base_den)[differs]  # (G',)
    num, den = flips @ num_gap, flips @ den_gap  # (B,) what moves from other to base
    base_total, other_total = base_den.sum() + den, other_den.sum() - den
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = np.abs((other_num.sum() - num) / other_total - (base_num.sum() + num) / base_total)
    statistic[(base_total <= 1e-12) | (other_total <= 1e-12)] = np.inf
    observed = abs(other_num.sum() / other_den.sum() - base_num.sum() / base_den.sum())
    extreme = int((statistic >= observed - 1e-9 * max(1.0, observed)).sum())
    exact = moved <= EXACT_UNITS
    p = extreme / len(flips) if exact else (1 + extreme) / (1 + len(flips))
    return PermutationTest(min(1.0, p), units, minimal, exact)


def sign_flip(differences: np.ndarray) -> PermutationTest:
    """Sign-flip test of mean zero over (G,) differences of units."""
    ones = np.ones(len(differences))
    return swap_test(np.zeros(len(differences)), ones, np.asarray(differences, dtype=float), ones)


def paired_difference(
    base_num: np.ndarray,
    base_den: np.ndarray,
    other_num: np.ndarray,
    other_den: np.ndarray,
    clusters: np.ndarray,
    rate: bool = True,
    confidence: float = CONFIDENCE,
) -> Difference | None:
    """Difference of two ratios over the same (I,) items with a cluster-t interval (linearised, G - 1 degrees).

    `rate` bounds the interval by [-1, 1] and, where nothing moved at all, widens it to what the number of items can
    exclude: Wilson's upper bound of 0 changed items. None where a denominator is empty.
    """
    base_total, other_total = float(base_den.sum()), float(other_den.sum())
    if base_total <= 0 or other_total <= 0:
        return None
    base, other = float(base_num.sum() / base_total), float(other_num.sum() / other_total)
    delta = other - base
    groups = int(clusters.max()) + 1
    if groups < 2:
        return Difference(base, other, delta, None, None)
    residual = (other_num - other * other_den) / other_total - (base_num - base * base_den) / base_total  # (I,)
    per_cluster = cluster_sums(residual, clusters)  # (G,)
    se = sqrt(groups / (groups - 1) * float(per_cluster @ per_cluster))
    if se < NO_SPREAD:
        if not rate or abs(delta) > NO_SPREAD:
            return Difference(base, other, delta, 0.0, None)
        half = wilson(0, min(base_total, other_total), confidence).high
    else:
        half = t_quantile(0.5 + confidence / 2, groups - 1) * se
    low, high = delta - half, delta + half
    return Difference(base, other, delta, se, Interval(max(-1.0, low), min(1.0, high)) if rate else Interval(low, high))


def t_test(difference: Difference, units: int) -> float | None:
    """Two-sided p of the t behind the interval of `paired_difference`, `units` - 1 degrees: below 5 % where that interval
    excludes 0. 1 where nothing moved; None where every unit moved alike, which leaves no spread to judge by."""
    if difference.se is None or difference.se < NO_SPREAD:
        return None if difference.se is None or abs(difference.delta) > NO_SPREAD else 1.0
    return 2 * t_tail(abs(difference.delta) / difference.se, units - 1)
