"""How far two verdicts on the same samples go together."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from harness.stats.intervals import CONFIDENCE, Interval, wilson
from harness.stats.joint import independence

RESAMPLES = 4000
SEED = 20_240_607  # so that a report is reproducible
LEAST_CLUSTERS = 5  # to be resampled
LEAST_DEFINED = 0.9  # of the resamples: in the others a verdict is the same everywhere, and φ says nothing


def phi(first: Sequence[bool], second: Sequence[bool]) -> float | None:
    """Correlation of two verdicts, in [-1, 1]; None where one of them is the same everywhere."""
    return independence(*_counts(first, second, [0] * len(first))[0].tolist()).phi if len(first) else None


def phi_interval(
    first: Sequence[bool], second: Sequence[bool], clusters: Sequence[int], confidence: float = CONFIDENCE
) -> Interval | None:
    """Percentile interval of `phi` over resamples of whole clusters (Efron & Tibshirani 1993); `clusters` are numbers 0..G-1.

    None where φ is, with too few clusters, or where too many resamples have no φ. Verdicts that never differ have no spread:
    theirs reaches down to the φ that Wilson's lower limit of agreement, over clusters, would leave.
    """
    value = phi(first, second)
    if value is None:
        return None
    counts = _counts(first, second, clusters)  # (G, 4)
    groups = len(counts)
    if groups < LEAST_CLUSTERS:
        return None
    if abs(value) == 1:
        share = sum(first) / len(first)
        differing = 1 - wilson(groups, groups, confidence).low
        bound = max(0.0, 1 - differing / (2 * share * (1 - share)))
        return Interval(bound, 1.0) if value > 0 else Interval(-1.0, -bound)
    both, one, other, neither = (_resamples(groups) @ counts).T.astype(float)
    spread = (both + one) * (other + neither) * (both + other) * (one + neither)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = (both * neither - one * other) / np.sqrt(spread)
    found = found[spread > 0]
    if len(found) < LEAST_DEFINED * RESAMPLES:
        return None
    low, high = np.quantile(found, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(min(low, value)), float(max(high, value)))


@lru_cache(maxsize=16)
def _resamples(groups: int) -> np.ndarray:
    """(B, G): how often each cluster is drawn."""
    return np.random.default_rng(SEED).multinomial(groups, [1 / groups] * groups, size=RESAMPLES)


def _counts(first: Sequence[bool], second: Sequence[bool], clusters: Sequence[int]) -> np.ndarray:
    """(G, 4): how often both hold in a cluster, the first alone, the second alone, neither."""
    table = np.zeros((max(clusters, default=0) + 1, 4), dtype=int)
    for one, other, cluster in zip(first, second, clusters, strict=True):
        table[cluster, 2 * (not one) + (not other)] += 1
    return table
