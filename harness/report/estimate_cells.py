"""What an estimate looks like in a table: value, counts and interval."""

from __future__ import annotations

from pydantic import JsonValue

from harness.report.arms import Arm, Estimate
from harness.report.metrics import Metric
from harness.report.numbers import (
    NONE,
    bracket,
    decimals_of,
    fraction,
    percent,
    significant,
)
from harness.report.table import Cell

METRICS_PER_TABLE = 5  # what 100 columns hold beside a name and a size

NOT_AVAILABLE = "not available"

NO_INFERENCE = "no inference"


def titled(metric: Metric) -> str:
    """The metric's name with the direction that counts as better, where the suite says low."""
    return f"{metric.title} (lower is better)" if metric.rate and metric.rate.better == "low" else metric.title


def estimate_text(estimate: Estimate, metric: Metric) -> tuple[str, str, str]:
    """Value, counts, interval."""
    if estimate.value is None:
        return NONE, fraction(estimate.numerator, 0) if metric.is_rate else "n = 0", "[–]"
    if metric.is_rate:
        return percent(estimate.value), fraction(estimate.numerator, estimate.denominator), bracket(estimate.interval)
    value = significant(estimate.value)
    return value, f"n = {estimate.denominator:g}", bracket(estimate.interval, 1, decimals_of(estimate.value))


def estimate_cell(arm: Arm, metric: Metric) -> Cell:
    if not arm.samples():
        return Cell(NONE)
    estimate = arm.estimate(metric)
    return Cell("\n".join(estimate_text(estimate, metric)), estimate_json(estimate, metric))


def estimate_json(estimate: Estimate, metric: Metric) -> dict[str, JsonValue]:
    counts: dict[str, JsonValue] = {"n": int(estimate.denominator)}
    if metric.is_rate:
        counts = {"k": int(estimate.numerator), **counts}
    return {
        "value": estimate.value,
        **counts,
        "interval": list(estimate.interval) if estimate.interval else None,
        "unit": estimate.unit,
        "units": estimate.units,
    }
