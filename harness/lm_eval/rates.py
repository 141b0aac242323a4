"""A suite's rates as lm-eval's metrics: what a document adds to numerator and denominator, and their quotient."""

from __future__ import annotations

from collections.abc import Sequence

from harness.contract import Outcome, Rate
from harness.lm_eval.library import register_aggregation

RatioTerm = tuple[bool, bool]  # in the rate's numerator, in its denominator


def ratio_term(rate: Rate, outcome: Outcome) -> RatioTerm:
    return outcome.quadrant in rate.numerator, outcome.quadrant in rate.denominator


@register_aggregation("harness-quotient")
def quotient(terms: Sequence[RatioTerm]) -> float:
    """#numerator / #denominator over all documents; nan where the denominator is empty."""
    counted = sum(inside for _, inside in terms)
    return sum(hit for hit, inside in terms if inside) / counted if counted else float("nan")
