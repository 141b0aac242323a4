"""Confidence intervals of one arm: Wilson for proportions, cluster-t for means, and Wilson at the effective sample size
for proportions over clustered items.

A metric is always a ratio Σ numerator / Σ denominator over items, so that a plain rate (every item counts in the
denominator), a conditional rate (only some do) and a mean (numerator = value) share one estimator.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot, sqrt
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

CONFIDENCE = 0.95
MIN_DEGREES = 4  # of a clustered rate; with 2 or 3 clusters the cap on the effective size already errs on the safe side


class Interval(NamedTuple):
    low: float
    high: float


def normal_quantile(p: float) -> float:
    return NormalDist().inv_cdf(p)


def t_quantile(p: float, degrees: float) -> float:
    from scipy.special import stdtrit  # scipy.stats would cost a second of import for the same number

    return float(stdtrit(degrees, p))


def t_tail(t: float, degrees: float) -> float:
    """P(T > t)."""
    from scipy.special import stdtr

    return float(stdtr(degrees, -t))


def wilson(k: float, n: float, confidence: float = CONFIDENCE, quantile: float | None = None) -> Interval:
    """Score interval of k/n. `n` may be an effective sample size, `quantile` a t quantile in place of the normal one.

    Raises:
        ValueError: unless 0 <= k <= n and n > 0.
    """
    if not (n > 0 and -1e-9 <= k <= n + 1e-9):
        raise ValueError(f"wilson needs 0 <= k <= n and n > 0, got k={k}, n={n}")
    z = normal_quantile(0.5 + confidence / 2) if quantile is None else quantile
    p = min(max(k / n, 0.0), 1.0)
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    # The exact bounds at k = 0 and k = n are 0 and 1; rounding must not push the estimate out of its own interval.
    return Interval(max(0.0, min(centre - half, p)), min(1.0, max(centre + half, p)))


def cluster_sums(values: Sequence[float] | np.ndarray, clusters: Sequence[int] | np.ndarray) -> np.ndarray:
    """(I,) values of items, (I,) cluster numbers 0..G-1 -> (G,) sums."""
    return np.bincount(np.asarray(clusters), weights=np.asarray(values, dtype=float))


def ratio_se(numerator: np.ndarray, denominator: np.ndarray) -> float:
    """Linearised standard error of Σ numerator / Σ denominator over (G,) clusters, G >= 2; equal denominators give the
    usual standard error of the mean over clusters."""
    groups, total = len(numerator), denominator.sum()
    residual = (numerator - numerator.sum() / total * denominator) / total
    return float(sqrt(groups / (groups - 1) * float(residual @ residual)))


def cluster_t(
    numerator: np.ndarray, denominator: np.ndarray, clusters: np.ndarray, confidence: float = CONFIDENCE
) -> Interval | None:
    """t interval with G - 1 degrees of freedom for a mean over (I,) items in G clusters; None for fewer than two."""
    n, d = cluster_sums(numerator, clusters), cluster_sums(denominator, clusters)
    if len(n) < 2:
        return None
    half = t_quantile(0.5 + confidence / 2, len(n) - 1) * ratio_se(n, d)
    mean = float(n.sum() / d.sum())
    return Interval(mean - half, mean + half)


def rate_interval(
    numerator: np.ndarray, denominator: np.ndarray, clusters: np.ndarray, confidence: float = CONFIDENCE
) -> Interval | None:
    """Wilson's interval of a proportion over (I,) items at `effective_counts`: inside [0, 1], never of width zero."""
    counts = effective_counts(numerator, denominator, clusters, confidence)
    return wilson(*counts, confidence) if counts else None


def effective_counts(
    numerator: np.ndarray, denominator: np.ndarray, clusters: np.ndarray, confidence: float = CONFIDENCE
) -> tuple[float, float] | None:
    """(k, n) of as many independent samples as a proportion over (I,) items in clusters is worth; None for one cluster.

    Items that are each a cluster of their own and hold whole counts are worth themselves. Otherwise n is p(1-p)/SE², SE
    clustered, at most the number of items in the denominator (which it also is where p is 0 or 1 and no SE exists),
    times (z/t)² for G - 1 degrees, not under MIN_DEGREES: Wilson's interval depends on z²/n alone, so that this is the
    one with the t quantile.
    """
    k, n = float(numerator.sum()), float(denominator.sum())
    if n <= 0:
        return None
    groups = int(clusters.max()) + 1
    whole = bool(np.all(numerator == np.round(numerator)) and np.all(denominator == np.round(denominator)))
    if groups == len(clusters) and whole:
        return k, n
    if groups < 2:
        return None
    p = k / n
    se = ratio_se(cluster_sums(numerator, clusters), cluster_sums(denominator, clusters))
    effective = min(n, p * (1 - p) / se**2) if se > 0 else n
    tail = 0.5 + confidence / 2
    effective *= (normal_quantile(tail) / t_quantile(tail, max(groups - 1, MIN_DEGREES))) ** 2
    return p * effective, effective


def independent_difference(base: float, around_base: Interval, other: float, around_other: Interval) -> Interval:
    """Interval of other - base for two independent estimates, from the interval of each: the distances of the bounds that
    face each other are added in squares (Newcombe 1998 for two proportions; Zou & Donner 2008 in general)."""
    delta = other - base
    return Interval(
        delta - hypot(other - around_other.low, around_base.high - base),
        delta + hypot(around_other.high - other, base - around_base.low),
    )
