"""Who knows, read from the log-likelihoods of k procedures in k scenarios.

M[s, c] is the log-likelihood (nats) of procedure c as the reply in scenario s, averaged over its paraphrases; procedure s is
the right one in scenario s. The margin of s against its twin t is the two-way interaction

    M[s, s] + M[t, t] − M[s, t] − M[t, s].

A scenario that makes every reply likelier, and a procedure that is likelier everywhere, both cancel in it: adding any
function of s alone or of c alone to M changes no margin. On pure noise a scenario knows with probability .5 at k = 2 and .186
at k = 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Matrix = Sequence[Sequence[float]]  # (k, k): scenarios × procedures


@dataclass(frozen=True)
class Reading:
    """What one scenario's rows and columns say. A tie is never in the model's favour.

    `prefers`: the right procedure is the likeliest in its scenario (best of the row). `recognizes`: it is likelier here than
    in any twin (best of the column; the criterion of EWoK, Ivanova et al. 2024, arXiv 2405.09605). Neither cancels what the
    margin cancels, so neither is a verdict.
    """

    margin: float  # the smallest over the twins, nats
    prefers: bool
    recognizes: bool

    @property
    def knows(self) -> bool:
        return self.margin > 0


def read(matrix: Matrix) -> tuple[Reading, ...]:
    """One reading a scenario. ValueError unless the matrix is square, two or more scenarios wide."""
    k = len(matrix)
    if k < 2 or any(len(row) != k for row in matrix):
        raise ValueError("a matched set has as many procedures as scenarios, and at least two")
    return tuple(
        Reading(
            margin=min(margin(matrix, s, t) for t in range(k) if t != s),
            prefers=all(matrix[s][s] > matrix[s][c] for c in range(k) if c != s),
            recognizes=all(matrix[s][s] > matrix[t][s] for t in range(k) if t != s),
        )
        for s in range(k)
    )


def margin(matrix: Matrix, s: int, t: int) -> float:
    """How much likelier the right procedures are than the exchanged ones, over scenarios s and t together (nats)."""
    return (matrix[s][s] + matrix[t][t]) - (matrix[s][t] + matrix[t][s])


def whole(readings: Sequence[Reading]) -> bool:
    """Is the whole set known?"""
    return all(reading.knows for reading in readings)
