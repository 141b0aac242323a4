"""How well a score separates two classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.stats.intervals import CONFIDENCE, Interval, t_quantile, wilson


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
    total = int(owner.max()) + 1
    # Per cluster: how far its positives (its negatives) win more often than they would at `area`.
    first = np.bincount(owner[positive], _below(higher, lower) - area, minlength=total)
    second = np.bincount(owner[~positive], 1 - _below(lower, higher) - area, minlength=total)
    m, n, count = len(higher), len(lower), len(np.unique(owner))
    variance = groups[0] / (groups[0] - 1) * (first @ first) / m**2
    variance += groups[1] / (groups[1] - 1) * (second @ second) / n**2
    variance += 2 * count / (count - 1) * (first @ second) / (m * n)
    most = float(min(m, n))
    effective = min(most, float(area * (1 - area) / variance)) if variance > 0 else most
    return wilson(area * effective, effective, confidence, t_quantile(0.5 + confidence / 2, min(groups) - 1))


def _below(values: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Of each value, the share of the others that lie below it, equal ones counting half."""
    ordered = np.sort(others)
    return (np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")) / (2 * len(ordered))


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
