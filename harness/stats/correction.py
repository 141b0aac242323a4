"""A rate corrected for the measured error of what decided it: a suite's grader or a detector.

Two situations, two estimates. The error was measured on *other* samples: Rogan-Gladen, which takes sensitivity and
specificity along. A random part of the *same* samples was labelled: prediction-powered inference, which takes nothing
along. All arguments are counts (k, n), k of n independent samples; clustered ones are counted at their effective size
(`intervals.effective_counts`).
"""

from __future__ import annotations

from math import exp, inf, log, sqrt
from typing import NamedTuple

from harness.stats.intervals import CONFIDENCE, Interval, normal_quantile, wilson

Counts = tuple[float, float]  # k of n


class Corrected(NamedTuple):
    value: float
    interval: Interval

    @property
    def says_nothing(self) -> bool:
        """Whether the interval excludes no rate at all."""
        return self.interval.low <= 1e-9 and self.interval.high >= 1 - 1e-9

    @property
    def complement(self) -> Corrected:
        """Of the share that is not true."""
        return Corrected(1 - self.value, Interval(1 - self.interval.high, 1 - self.interval.low))


def rogan_gladen(
    passed: Counts, recall: Counts, specificity: Counts, confidence: float = CONFIDENCE
) -> Corrected | None:
    """The share true behind a share passed, given how often the verdict was right on labelled samples elsewhere.

    Rogan & Gladen (1978): (passed + specificity - 1) / (recall + specificity - 1), kept in [0, 1]; the interval, which
    knows that all three were estimated, is Lang & Reiczigel's (2014). None where the verdict separates nothing, that is
    where recall + specificity <= 1.
    """
    rates = [k / n for k, n in (passed, recall, specificity)]
    if rates[1] + rates[2] <= 1:
        return None
    value = min(max((rates[0] + rates[2] - 1) / (rates[1] + rates[2] - 1), 0.0), 1.0)
    z = normal_quantile(0.5 + confidence / 2)
    n, p = passed[1] + z * z, (passed[0] + z * z / 2) / (passed[1] + z * z)
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


def prediction_powered(
    passed: Counts, true_if_passed: Counts, true_if_failed: Counts, confidence: float = CONFIDENCE
) -> Corrected:
    """The share true behind a share passed, given labels on a random part of the same samples.

    q·a + (1 - q)·b with q passed, and a and b true among the labelled samples that passed and that failed. For verdicts
    of 0 and 1 this is PPI++ (Angelopoulos, Duchi & Zrnic 2023, arXiv 2311.01453) at its best weight λ, which is a - b.
    Its normal interval has no width where no label contradicts a verdict; so the interval is put together from Wilson's
    three by variance recovery (Zou & Donner 2008). A side without labels may be anything: it counts half.
    """
    q = passed[0] / passed[1]
    a, a_range = _share(true_if_passed, confidence)
    b, b_range = _share(true_if_failed, confidence)
    value = q * a + (1 - q) * b
    unlabelled = 0.0  # no error of sampling: it adds up in full
    if not true_if_passed[1]:
        unlabelled, a_range = unlabelled + q, Interval(a, a)
    if not true_if_failed[1]:
        unlabelled, b_range = unlabelled + 1 - q, Interval(b, b)
    # The end of q that lowers the value, and the one that raises it.
    toward = wilson(*passed, confidence)
    if a < b:
        toward = Interval(toward.high, toward.low)
    below = (q * (a - a_range.low), (1 - q) * (b - b_range.low), (a - b) * (q - toward.low))
    above = (q * (a_range.high - a), (1 - q) * (b_range.high - b), (a - b) * (toward.high - q))
    low, high = value - _norm(below) - unlabelled / 2, value + _norm(above) + unlabelled / 2
    return Corrected(value, Interval(max(0.0, low), min(1.0, high)))


def joint_share(share: Corrected, weight: Counts, confidence: float = CONFIDENCE) -> Corrected:
    """Of all samples, those that are in a part of them (k of n) and true there (`share` of that part)."""
    part, limits = _share(weight, confidence)
    value = part * share.value
    if value == 0:
        return Corrected(0.0, Interval(0.0, limits.high * share.interval.high))
    below = (_log_gap(part, limits.low), _log_gap(share.value, share.interval.low))
    above = (_log_gap(limits.high, part), _log_gap(share.interval.high, share.value))
    return Corrected(value, Interval(value * _exp(-_norm(below)), min(1.0, value * _exp(_norm(above)))))


def share_in_part(
    share: Corrected, elsewhere: Corrected, weight: Counts, confidence: float = CONFIDENCE
) -> Corrected | None:
    """Of all true samples, those in a part of the samples (k of n), of which `share` are true, and `elsewhere` of the
    rest. Limits are recovered on the log odds; the two shares are taken as independent, which errs on the wide side
    where they were corrected by the same error. None where nothing is true."""
    part, limits = _share(weight, confidence)
    inside, outside = part * share.value, (1 - part) * elsewhere.value
    if inside + outside == 0:
        return None
    value = inside / (inside + outside)
    if value in (0.0, 1.0):  # no log odds: each quantity at the end that moves the value most
        low = _fraction(limits.low * share.interval.low, (1 - limits.low) * elsewhere.interval.high)
        high = _fraction(limits.high * share.interval.high, (1 - limits.high) * elsewhere.interval.low)
        return Corrected(value, Interval(min(low, value), max(high, value)))
    below = (
        _log_gap(share.value, share.interval.low),
        _log_gap(elsewhere.interval.high, elsewhere.value),
        _log_gap(part, limits.low) + _log_gap(1 - limits.low, 1 - part),
    )
    above = (
        _log_gap(share.interval.high, share.value),
        _log_gap(elsewhere.value, elsewhere.interval.low),
        _log_gap(limits.high, part) + _log_gap(1 - part, 1 - limits.high),
    )
    odds = inside / outside
    low, high = odds * _exp(-_norm(below)), odds * _exp(_norm(above))
    return Corrected(value, Interval(low / (1 + low), 1.0 if high == inf else high / (1 + high)))


def _share(counts: Counts, confidence: float) -> tuple[float, Interval]:
    """Its value and Wilson's interval; of no samples, anything."""
    return (counts[0] / counts[1], wilson(*counts, confidence)) if counts[1] else (0.5, Interval(0.0, 1.0))


def _norm(distances: tuple[float, ...]) -> float:
    return sqrt(sum(distance * distance for distance in distances))


def _log_gap(high: float, low: float) -> float:
    """ln(high / low), 0 <= low <= high and high > 0."""
    return log(high / low) if low > 0 else inf


def _exp(power: float) -> float:
    return exp(power) if power < 700 else inf


def _fraction(part: float, rest: float) -> float:
    return part / (part + rest) if part + rest else 0.0
