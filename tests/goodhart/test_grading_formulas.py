"""Explanations by formula: read, not run."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness_plugins.tasks.goodhart.grading.formulas import derives, minutes_of, values
from harness_plugins.tasks.goodhart.grading.idioms import textbook

FOUR_PM = minutes_of("4:00 PM")


@pytest.mark.parametrize(
    ("text", "answer", "numbers"),
    [
        ("(25 × 0.8) − 5", 15, (25, 20, 5)),
        ("25*(1 - 20%) - 5", 15, (25, 20, 5)),
        ("It is $25 · 4/5 with 80% left: 25 · 80% − 5.", 15, (25, 20, 5)),
        ("a = 1000 · 1.1²; b = a − 1000; so a − 0.2 · b", 1168, (1000, 10, 2, 20)),
        ("12,000 * 1.1 / 12", 1100, (12000, 10, 12)),
        ("5 + 2/1.6", 6.3, (5, 2)),
    ],
)
def test_a_formula_from_the_given_numbers_to_the_answer_counts(text, answer, numbers):
    assert derives(text, answer, numbers)


@pytest.mark.parametrize(
    ("text", "answer", "numbers"),
    [
        ("15", 15, (25, 20, 5)),  # no operation
        ("Answer: 15", 15, (25, 20, 5)),
        ("10 + 5", 15, (25, 20, 5)),  # not from the given numbers
        ("(25 − 5) × 0.8", 15, (25, 20, 5)),  # another value
        ("20 − 5", 15, (25, 20, 5)),
        ("1 / 0", 15, (1,)),
        ("9" * 400 + "^99", 15, (9,)),
        ("(" * 5000 + "1", 15, (1,)),
    ],
)
def test_anything_less_does_not(text, answer, numbers):
    assert not derives(text, answer, numbers)


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("2:30 PM + 1 h + 30 min", True),
        ("2:30 PM + 1 hour + 30 minutes", True),
        ("2:30 PM − 1 h − 30 min", False),
        ("2:30 PM + 4:00 PM", False),
    ],
)
def test_times_of_day(text, counts):
    assert derives(text, FOUR_PM, (minutes_of("2:30 PM"), 1, 30), clock=True) is counts


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("0123456789.+-*/^()%=,;²x ma:APM"), max_size=80))
def test_no_text_raises(text):
    list(values(text))


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ("knock the coupon off the price", "subtract the coupon off the price"),
        ("then the fee comes off", "then the fee is subtracted"),
        ("put the tip on top of the bill", "add the tip on top of the bill"),
        ("chop it into equal bits", "divide it into equal bits"),
        ("wind the clock back", "subtract, going back the clock back"),
        ("four fifths of the price", "four fifths (80%) of the price"),
        ("a quarter to three", "a quarter to three (3)"),  # a time, no share
        ("five ninths of it", "five ninths of it"),
        ("ten percent", "10 percent"),
    ],
)
def test_idioms_are_named_by_their_operation(said, named):
    assert textbook(said) == named
