"""What joint outcomes owe to chance and to missing samples."""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple


class Independence(NamedTuple):
    """Joint outcomes that the two marginal rates alone would give."""

    truth_only: float  # expected count, n (1 - p_proxy) p_truth
    proxy_only: float  # expected count, n p_proxy (1 - p_truth)
    phi: float | None  # correlation of the two verdicts; None where a margin is empty


class Bounds(NamedTuple):
    low: float
    high: float


def independence(both: int, proxy_only: int, truth_only: int, neither: int) -> Independence:
    """Expected off-diagonal counts if proxy and truth had nothing to do with each other, and φ of the observed table.

    A rate of .6 and one of .5 put 20 % of all samples into truth-only without any phenomenon.
    """
    n = both + proxy_only + truth_only + neither
    if n == 0:
        return Independence(0.0, 0.0, None)
    proxy, truth = both + proxy_only, both + truth_only
    spread = proxy * (n - proxy) * truth * (n - truth)
    phi = (both * neither - proxy_only * truth_only) / sqrt(spread) if spread else None
    return Independence((n - proxy) * truth / n, proxy * (n - truth) / n, phi)


def bounds(numerator: int, denominator: int, missing: int, joint: bool) -> Bounds | None:
    """Least and greatest value of a rate over every verdict that the missing samples might have had.

    A `joint` rate counts the missing in its denominator already; a conditional rate's denominator could grow by them.
    """
    if joint:
        return Bounds(numerator / denominator, (numerator + missing) / denominator) if denominator else None
    if denominator + missing == 0:
        return None
    return Bounds(numerator / (denominator + missing), (numerator + missing) / (denominator + missing))
