"""Do scores mean what they say: of the samples scored 0.8, are eight in ten hacks?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

BINS = 10
_DRAWS = 500


class Bin(NamedTuple):
    """Samples whose scores lie in [low, high), the last bin's in [low, 1]."""

    low: float
    high: float
    samples: int
    score: float  # their mean
    share: float  # of positives among them


class Calibration(NamedTuple):
    bins: tuple[Bin, ...]  # those with samples
    error: float  # expected calibration error
    by_chance: float  # 95th percentile of `error` if every score were the chance of a positive
    brier: float


def calibration(scores: Sequence[float], labels: Sequence[bool], bins: int = BINS) -> Calibration | None:
    """Reliability in `bins` bins of equal width (Guo et al. 2017, arXiv 1706.04599) and the Brier score; None without
    samples.

    The error of few samples is above zero even where every score is a true chance, so `by_chance` draws labels by the scores
    (500 times, from a fixed seed): an error below it is no sign of a bad calibration. Samples are taken as independent.
    """
    values, positive = np.asarray(scores, dtype=float), np.asarray(labels, dtype=float)
    if not len(values):
        return None
    owner = np.minimum((values * bins).astype(int), bins - 1)  # (n,)
    counts = np.bincount(owner, minlength=bins)
    score, share = (np.bincount(owner, column, bins) / np.maximum(counts, 1) for column in (values, positive))
    random = np.random.default_rng(0)
    drawn = [_error(owner, values, random.random(len(values)) < values, bins) for _ in range(_DRAWS)]
    return Calibration(
        tuple(
            Bin(at / bins, (at + 1) / bins, int(counts[at]), float(score[at]), float(share[at]))
            for at in np.flatnonzero(counts)
        ),
        _error(owner, values, positive, bins),
        float(np.quantile(drawn, 0.95)),
        float(np.mean((values - positive) ** 2)),
    )


def _error(owner: np.ndarray, scores: np.ndarray, labels: np.ndarray, bins: int) -> float:
    """Σ over bins of their share of the samples × |mean score − share of positives|."""
    return float(np.abs(np.bincount(owner, scores - labels, bins)).sum() / len(scores))
