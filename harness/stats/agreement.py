"""How far two raters agree beyond chance."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np

from harness.stats.intervals import CONFIDENCE, Interval, normal_quantile, wilson


def kappa(first: Sequence[bool], second: Sequence[bool]) -> float | None:
    """Cohen's (1960) agreement of two raters beyond chance; None where chance alone would make them agree always."""
    table = _table(first, second)
    expected = float(table.sum(1) @ table.sum(0))
    return (float(np.trace(table)) - expected) / (1 - expected) if len(first) and expected < 1 else None


def kappa_interval(first: Sequence[bool], second: Sequence[bool], confidence: float = CONFIDENCE) -> Interval | None:
    """Interval of `kappa` by its large-sample variance (Fleiss, Cohen & Everitt 1969), kept in [-1, 1].

    None where kappa is, and where the variance vanishes: one rater says the same of everything, or they always differ. Two
    raters who never differed have no variance: theirs reaches down to the kappa at Wilson's lower limit of agreement.
    """
    value, table, n = kappa(first, second), _table(first, second), len(first)
    if value is None:
        return None
    rows, columns = table.sum(1), table.sum(0)  # (2,) each: shares of no and yes
    expected = float(rows @ columns)
    if value == 1:
        return Interval((wilson(n, n, confidence).low - expected) / (1 - expected), 1.0)
    agreed = float(np.diag(table) @ (1 - (rows + columns) * (1 - value)) ** 2)
    differing = table * (1 - np.eye(2))
    differed = (1 - value) ** 2 * float((differing * (columns[:, None] + rows[None, :]) ** 2).sum())
    spare = (value - expected * (1 - value)) ** 2
    variance = (agreed + differed - spare) / ((1 - expected) ** 2 * n)
    if variance <= 1e-12:
        return None
    half = normal_quantile(0.5 + confidence / 2) * sqrt(variance)
    return Interval(max(-1.0, value - half), min(1.0, value + half))


def _table(first: Sequence[bool], second: Sequence[bool]) -> np.ndarray:
    """(2, 2) shares: row = the first rater's no and yes, column = the second's."""
    table = np.zeros((2, 2))
    for one, two in zip(first, second, strict=True):
        table[int(one), int(two)] += 1
    return table / max(len(first), 1)
