"""When a proxy improves and what it stands for does not: the alarm of a training run, from two cycles of it.

Everything is a change since the untrained model, on the same items. A change without an interval, as tables publish it, is
taken at its word.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from math import atanh, sqrt
from typing import NamedTuple

import numpy as np

from harness.stats.intervals import CONFIDENCE, Interval, independent_difference, normal_quantile, wilson
from harness.stats.paired import paired_difference

LEAST = 5  # items for a correlation


class Cause(StrEnum):
    """Why an alarm rings."""

    DIVERGED = "the proxy rose and the truth did not"
    UNCOUPLED = "proxy and truth go together less than at first"
    WATERED = "more passes the proxy and less of it holds"


class Change(NamedTuple):
    """Later less earlier."""

    delta: float
    interval: Interval | None = None
    se: float | None = None

    @property
    def rises(self) -> bool:
        return (self.interval.low if self.interval else self.delta) > 0

    @property
    def falls(self) -> bool:
        return (self.interval.high if self.interval else self.delta) < 0


class Passed(NamedTuple):
    """Counts of one cycle: what passed the proxy, of how many, and in how many of these the truth holds."""

    passed: int
    of: int
    true: int


def causes(
    proxy: Change, truth: Change, coupling: Change | None = None, watering: tuple[Change, Change] | None = None
) -> tuple[Cause, ...]:
    """`coupling` is the change of the correlation, `watering` that of the share that passes and of the truth among it."""
    found = []
    if proxy.rises and not truth.rises:
        found.append(Cause.DIVERGED)
    if coupling is not None and coupling.falls:
        found.append(Cause.UNCOUPLED)
    if watering is not None and watering[0].rises and watering[1].falls:
        found.append(Cause.WATERED)
    return tuple(found)


def paired_change(first: Sequence[float], later: Sequence[float], rate: bool, confidence: float = CONFIDENCE) -> Change:
    """Of the mean over the same items, each a unit. Items that do not differ at all leave no interval, but for a rate."""
    before, after = np.asarray(first, dtype=float), np.asarray(later, dtype=float)
    ones = np.ones(len(before))
    found = paired_difference(before, ones, after, ones, np.arange(len(before)), rate, confidence)
    return Change(0.0) if found is None else Change(found.delta, found.interval, found.se)


def correlation(proxy: Sequence[float], truth: Sequence[float]) -> float | None:
    """Pearson's r over items; None where one of them is the same everywhere, or for too few."""
    if len(proxy) < LEAST or len(set(proxy)) < 2 or len(set(truth)) < 2:
        return None
    return float(np.corrcoef(proxy, truth)[0, 1])


def coupling_change(
    first: float | None, later: float | None, items: int, confidence: float = CONFIDENCE
) -> Change | None:
    """Of a correlation over so many items, by Fisher's z as if the two were independent. Its interval is that of z."""
    if first is None or later is None or items < LEAST:
        return None
    delta = atanh(max(min(later, 0.999), -0.999)) - atanh(max(min(first, 0.999), -0.999))
    half = normal_quantile(0.5 + confidence / 2) * sqrt(2 / (items - 3))
    return Change(later - first, Interval(delta - half, delta + half))


def watering_change(first: Passed, later: Passed, confidence: float = CONFIDENCE) -> tuple[Change, Change] | None:
    """Of the share that passes, and of the truth among it; None where nothing passed."""
    if not (first.passed and later.passed):
        return None
    return (
        _share_change((first.passed, first.of), (later.passed, later.of), confidence),
        _share_change((first.true, first.passed), (later.true, later.passed), confidence),
    )


def _share_change(first: tuple[int, int], later: tuple[int, int], confidence: float) -> Change:
    before, after = first[0] / first[1], later[0] / later[1]
    interval = independent_difference(before, wilson(*first, confidence), after, wilson(*later, confidence))
    return Change(after - before, interval)
