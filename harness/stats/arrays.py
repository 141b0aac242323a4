"""Sums of rows that belong together."""

from __future__ import annotations

import numpy as np


def group_sums(values: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """(N, C) values, (N,) group numbers 0..G-1 -> (G, C)."""
    sums = np.zeros((int(owner.max()) + 1, values.shape[1]))
    np.add.at(sums, owner, values)
    return sums
