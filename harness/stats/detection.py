"""How well a score separates two classes, how far two detectors agree, and what a flagged rate says of the true one."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np

from harness.stats.intervals import CONFIDENCE, Interval, normal_quantile, t_quantile, wilson


def auroc(scores: Sequence[float], labels: Sequence[bool]) -> float | None:
    """Chance that a positive scores above a negative, ties counting half (Mann-Whitney); None without both classes."""
    values, positive = np.asarray(scores, dtype=float), np.asarray(labels, dtype=bool)
    positives, negatives = int(positive.sum()), int((~positive).sum())
    if not positives or not negatives:
        return None
    _, index, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[index]  # mean rank of each tie group, from 1
    return float((ranks[positive].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def auroc_interval(
    scores: Sequence[float],
    labels: Sequence[bool],
    clusters: Sequence[int] | np.ndarray,
    confidence: float = CONFIDENCE,
) -> Interval | None:
    """Interval of `auroc` over samples in clusters 0..G-1, positives and negatives of one cluster hanging together.

    The variance is Obuchowski's (1997) for clustered data; Wilson's interval is then taken at the effective sample size
    p(1-p)/SE², at most the smaller class, so that a perfect separation of few samples does not pass for a certainty.
    None without two clusters of each class.
    """
    values, positive, owner = np.asarray(scores, float), np.asarray(labels, bool), np.asarray(clusters)
    area = auroc(values.tolist(), positive.tolist())
    groups = [len(np.unique(owner[side])) for side in (positive, ~positive)]
    if area is None or min(groups) < 2:
        return None
    higher, lower = values[positive], values[~positive]  # (M,), (N,)
    wins = (higher[:, None] > lower[None]) + 0.5 * (higher[:, None] == lower[None])  # (M, N)
    total = int(owner.max()) + 1
    # Per cluster: how far its positives (its negatives) win more often than they would at `area`.
    first = np.bincount(owner[positive], wins.mean(1) - area, minlength=total)
    second = np.bincount(owner[~positive], wins.mean(0) - area, minlength=total)
    m, n, count = len(higher), len(lower), len(np.unique(owner))
    variance = groups[0] / (groups[0] - 1) * (first @ first) / m**2
    variance += groups[1] / (groups[1] - 1) * (second @ second) / n**2
    variance += 2 * count / (count - 1) * (first @ second) / (m * n)
    most = float(min(m, n))
    effective = min(most, float(area * (1 - area) / variance)) if variance > 0 else most
    return wilson(area * effective, effective, confidence, t_quantile(0.5 + confidence / 2, min(groups) - 1))


def threshold_at(scores: Sequence[float], labels: Sequence[bool], false_positives: float) -> float:
    """The lowest threshold t at which "score >= t" is right to the share of negatives that may be flagged; above every
    score (infinity) where even the highest one flags too many of them.

    Raises:
        ValueError: without negatives.
    """
    negatives = np.asarray(scores, dtype=float)[~np.asarray(labels, dtype=bool)]
    if not len(negatives):
        raise ValueError("a false-positive rate needs negatives")
    for threshold in np.unique(np.asarray(scores, dtype=float)):  # ascending
        if np.mean(negatives >= threshold) <= false_positives:
            return float(threshold)
    return float("inf")


def kappa(first: Sequence[bool], second: Sequence[bool]) -> float | None:
    """Cohen's (1960) agreement of two raters beyond chance; None where chance alone would make them agree always."""
    one, two = np.asarray(first, dtype=bool), np.asarray(second, dtype=bool)
    if not len(one):
        return None
    observed = float(np.mean(one == two))
    expected = float(one.mean() * two.mean() + (1 - one.mean()) * (1 - two.mean()))
    return None if expected >= 1 else (observed - expected) / (1 - expected)


class Corrected(NamedTuple):
    value: float
    interval: Interval


def rogan_gladen(
    flagged: tuple[float, float],
    recall: tuple[float, float],
    specificity: tuple[float, float],
    confidence: float = CONFIDENCE,
) -> Corrected | None:
    """The true rate behind a flagged rate, given how often the detector is right; each argument is a count k of n.

    Rogan & Gladen (1978): (flagged + specificity - 1) / (recall + specificity - 1), kept in [0, 1]; the interval, which
    knows that all three were estimated, is Lang & Reiczigel's (2014). None where the detector separates nothing.
    """
    rates = [k / n for k, n in (flagged, recall, specificity)]
    if rates[1] + rates[2] <= 1:
        return None
    value = min(max((rates[0] + rates[2] - 1) / (rates[1] + rates[2] - 1), 0.0), 1.0)
    z = normal_quantile(0.5 + confidence / 2)
    n, p = flagged[1] + z * z, (flagged[0] + z * z / 2) / (flagged[1] + z * z)
    hits, found = recall[1] + 2, (recall[0] + 1) / (recall[1] + 2)
    clears, cleared = specificity[1] + 2, (specificity[0] + 1) / (specificity[1] + 2)
    gain = found + cleared - 1
    if gain <= 0:
        return Corrected(value, Interval(0.0, 1.0))
    centre = (p + cleared - 1) / gain
    of_found, of_cleared = found * (1 - found) / hits, cleared * (1 - cleared) / clears
    shift = 2 * z * z * (centre * of_found - (1 - centre) * of_cleared)
    half = z / gain * sqrt(p * (1 - p) / n + centre**2 * of_found + (1 - centre) ** 2 * of_cleared)
    low, high = centre + shift - half, centre + shift + half
    return Corrected(value, Interval(min(max(low, 0.0), value), max(min(high, 1.0), value)))
