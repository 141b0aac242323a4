"""Quantiles of what many clusters hold together: of the tokens of all texts, which are not independent within a text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from harness.stats.intervals import CONFIDENCE, Interval

RESAMPLES = 1000
SEED = 0
AT_ONCE = 4_000_000  # weights in memory together


class Pooled(NamedTuple):
    """A mean or a quantile over the values of all clusters."""

    value: float
    interval: Interval | None  # None for fewer than two clusters


def pooled(
    clusters: Sequence[Sequence[float]], quantiles: Sequence[float], confidence: float = CONFIDENCE
) -> tuple[Pooled, list[Pooled]]:
    """The mean and the quantiles of the values of all clusters, with percentile intervals over resamples of whole clusters
    (Efron & Tibshirani 1993; for texts, the chunk bootstrap).

    A quantile lies between the two values around its place, p of the way from the first to the last, as in llama.cpp's
    `perplexity`; in a resample it is the value at which a share p is reached. Every cluster holds a value.
    """
    sizes = [len(values) for values in clusters]
    values = np.concatenate([np.asarray(values, dtype=float) for values in clusters])
    owner = np.repeat(np.arange(len(clusters)), sizes)
    order = np.argsort(values, kind="stable")
    values, owner = values[order], owner[order]
    found = np.array([values.mean(), *np.quantile(values, quantiles)])
    if len(clusters) < 2:
        return Pooled(float(found[0]), None), [Pooled(float(value), None) for value in found[1:]]
    draws = np.random.default_rng(SEED).multinomial(len(clusters), [1 / len(clusters)] * len(clusters), RESAMPLES)
    step = max(1, AT_ONCE // len(values))
    resampled = np.concatenate(
        [_statistics(values, draws[start : start + step][:, owner], quantiles) for start in range(0, RESAMPLES, step)]
    )  # (B, 1 + Q)
    low, high = np.quantile(resampled, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    mean, *others = [
        Pooled(float(value), Interval(float(min(below, value)), float(max(above, value))))
        for value, below, above in zip(found, low, high, strict=True)
    ]
    return mean, others


def _statistics(values: np.ndarray, weights: np.ndarray, quantiles: Sequence[float]) -> np.ndarray:
    """(N,) ascending values, (B, N) weights -> (B, 1 + Q): the mean, then the quantiles."""
    reached = weights.cumsum(axis=1)  # (B, N)
    total = reached[:, -1:]
    means = (weights @ values)[:, None] / total
    places = [(reached < share * total).sum(axis=1) for share in quantiles]
    return np.concatenate([means, values[np.stack(places, axis=1)]], axis=1) if places else means
