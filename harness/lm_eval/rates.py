"""A suite's rates as lm-eval's metrics: what a document adds to numerator and denominator, and their quotient."""

from __future__ import annotations

from collections.abc import Sequence

from harness.contract import Outcome, Rate
from harness.lm_eval.library import register_aggregation

Vote = tuple[bool, bool]  # in the rate's numerator, in its denominator


def vote(rate: Rate, outcome: Outcome) -> Vote:
    return outcome.quadrant in rate.numerator, outcome.quadrant in rate.denominator


@register_aggregation("harness-quotient")
def quotient(votes: Sequence[Vote]) -> float:
    """#numerator / #denominator over all documents; nan where the denominator is empty."""
    counted = sum(inside for _, inside in votes)
    return sum(hit for hit, inside in votes if inside) / counted if counted else float("nan")
