"""Two samples of cosines compared: as they are, and with length and family held fixed.

Shape notation: N replies, p columns of the regression, C clusters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats


@dataclass(frozen=True)
class OneSidedTest:
    """One-sided test that the first sample lies above the second."""

    t: float
    p: float
    counts: tuple[int, int]
    means: tuple[float, float]


def welch(first: Sequence[float], second: Sequence[float]) -> OneSidedTest | None:
    """Welch's t test; None with fewer than two values on a side or no spread at all."""
    a, b = np.asarray(first, float), np.asarray(second, float)
    if len(a) < 2 or len(b) < 2 or (a.std() == 0 and b.std() == 0):
        return None
    result = stats.ttest_ind(a, b, equal_var=False, alternative="greater")
    return OneSidedTest(
        float(result.statistic), float(result.pvalue), (len(a), len(b)), (float(a.mean()), float(b.mean()))
    )


def adjusted(
    cosines: Sequence[float],
    first: Sequence[bool],
    lengths: Sequence[int],
    families: Sequence[str],
    clusters: Sequence[str],
) -> OneSidedTest | None:
    """t of `first` in a regression of the cosine on it, log length and family, standard errors clustered by item (CR1).

    None where length and family leave nothing to tell the two samples apart by, or there are too few clusters.
    """
    y = np.asarray(cosines, float)  # (N,)
    inside = np.asarray(first, float)
    names = sorted(set(families))
    columns = [inside, np.log(np.asarray(lengths, float))]
    columns += [np.asarray([family == name for family in families], float) for name in names]  # with them no intercept
    x = np.column_stack(columns)  # (N, p)
    groups = sorted(set(clusters))
    count, width = x.shape
    if np.linalg.matrix_rank(x[:, 1:]) == np.linalg.matrix_rank(x) or len(groups) < 3 or count <= width:
        return None
    x = x[:, [0, *_independent(x[:, 1:])]]
    inverse = np.linalg.inv(x.T @ x)  # (p, p)
    beta = inverse @ x.T @ y
    residuals = y - x @ beta  # (N,)
    of_cluster = np.asarray(clusters)
    meat = np.zeros_like(inverse)
    for group in groups:
        score = x[of_cluster == group].T @ residuals[of_cluster == group]  # (p,)
        meat += np.outer(score, score)
    small = len(groups) / (len(groups) - 1) * (count - 1) / (count - x.shape[1])
    error = float(np.sqrt(small * (inverse @ meat @ inverse)[0, 0]))
    if error == 0:
        return None
    t = float(beta[0]) / error
    sizes = int(inside.sum()), int(count - inside.sum())
    means = float(y[inside == 1].mean()), float(y[inside == 0].mean())
    return OneSidedTest(t, float(stats.t.sf(t, len(groups) - 1)), sizes, means)


def _independent(x: np.ndarray) -> list[int]:
    """Columns (counted behind the first one, from 1) that add to the rank of those before them."""
    chosen: list[int] = []
    for column in range(x.shape[1]):
        if np.linalg.matrix_rank(x[:, [*chosen, column]]) == len(chosen) + 1:
            chosen.append(column)
    return [column + 1 for column in chosen]


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Spearman's ρ; None without spread."""
    if len(first) < 3 or len(set(first)) == 1 or len(set(second)) == 1:
        return None
    return float(stats.spearmanr(first, second).statistic)
