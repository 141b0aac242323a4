"""What a comparison shows, in one or two words."""

from __future__ import annotations

from harness.report.compare import Comparison
from harness.report.estimate_cells import NO_INFERENCE, NOT_AVAILABLE
from harness.report.metrics import Metric
from harness.report.seeds import SeedComparison
from harness.stats import ALPHA

NOT_SHOWN = "none shown"


def verdict(comparison: Comparison | SeedComparison | None, metric: Metric) -> str:
    """Of a rate whether it is better or worse, of another measure whether it is higher or lower, after the adjustment for
    the number of comparisons."""
    if comparison is None:
        return NOT_AVAILABLE
    if not comparison.inference:
        return NO_INFERENCE
    delta = _delta(comparison)
    if comparison.adjusted is None or comparison.adjusted > ALPHA or not delta:
        return NOT_SHOWN
    return direction(delta, metric)


def direction(delta: float, metric: Metric) -> str:
    if metric.rate is None:
        return "higher" if delta > 0 else "lower"
    return "better" if (delta > 0) == (metric.rate.better == "high") else "worse"


def _delta(comparison: Comparison | SeedComparison) -> float | None:
    if isinstance(comparison, SeedComparison):
        return comparison.difference.mean
    return comparison.difference.delta if comparison.difference else None
