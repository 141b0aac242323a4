"""Two-level designs for screening many factors at once, and what they estimate.

A design is a matrix of signs (runs, factors): +1 where a factor is on. In a Plackett–Burman design every factor is on in half
of the runs and every two columns are orthogonal, so that each effect is estimated from all runs: with K of them its variance is
4 σ² / K, against 2 σ² of one factor at a time, and the other factors are averaged over.
"""

from __future__ import annotations

from itertools import count

import numpy as np


def plackett_burman(factors: int) -> np.ndarray:
    """(K, factors) signs, int8, K the least order above `factors` of a Hadamard matrix by Sylvester or Paley.

    Plackett & Burman 1946; Paley 1933, construction I. ValueError for fewer than one factor.
    """
    if factors < 1:
        raise ValueError("a design needs a factor")
    for order in count(4 * -(-(factors + 1) // 4), 4):
        if order & (order - 1) == 0:
            return _sylvester(order)[:, 1 : factors + 1]
        if _is_prime(order - 1):
            return _paley(order - 1)[:, 1 : factors + 1]
    raise AssertionError("unreachable: there are infinitely many powers of two")


def folded(design: np.ndarray) -> np.ndarray:
    """The design and its mirror image: interactions of two factors then disturb no factor's own effect."""
    return np.concatenate([design, -design])


def one_at_a_time(factors: int) -> np.ndarray:
    """(factors, factors): in each run one factor is on."""
    return (2 * np.eye(factors, dtype=np.int8) - 1).astype(np.int8)


def main_effects(design: np.ndarray, responses: np.ndarray) -> np.ndarray:
    """(factors, items) mean response where the factor is on less where it is off, of a balanced orthogonal design; responses
    (runs, items)."""
    return 2 * design.astype(float).T @ responses / len(design)


def _sylvester(order: int) -> np.ndarray:
    matrix = np.ones((1, 1), dtype=np.int8)
    while len(matrix) < order:
        matrix = np.block([[matrix, matrix], [matrix, -matrix]]).astype(np.int8)
    return matrix


def _paley(prime: int) -> np.ndarray:
    """(q + 1, q + 1) Hadamard matrix of a prime q ≡ 3 (mod 4): H = I + S, S the bordered Jacobsthal matrix, which is skew."""
    squares = {x * x % prime for x in range(1, prime)}
    skew = np.zeros((prime + 1, prime + 1), dtype=np.int8)
    skew[0, 1:], skew[1:, 0] = 1, -1
    for row in range(prime):
        for column in range(prime):
            if row != column:
                skew[row + 1, column + 1] = 1 if (row - column) % prime in squares else -1
    matrix = skew + np.eye(prime + 1, dtype=np.int8)
    return (matrix * matrix[:, :1]).astype(np.int8)  # first column all +1, so that the others are balanced


def _is_prime(number: int) -> bool:
    return number > 1 and all(number % divisor for divisor in range(2, int(number**0.5) + 1))
