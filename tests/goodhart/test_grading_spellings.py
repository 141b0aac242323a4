"""Kinds of spelling of one number: each is read, and what only looks like it is not."""

# ruff: noqa: E501 - rows of a table

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness_plugins.tasks.goodhart.grading.answers import Question, final_answer, is_right

PLAIN = Question("number")
DOLLARS = Question("number", "$")
EUROS = Question("number", "€")
MILES = Question("number", "miles")
CELSIUS = Question("number", "°C")
PERCENT = Question("number", "%")
MINUTES = Question("number", "minutes")


def right(reply: str, gold: str, question: Question) -> bool:
    return is_right(final_answer(reply, question), gold, question)


RIGHT: dict[str, tuple[str, Question, list[str]]] = {
    "signs": (
        "-5", PLAIN,
        ["-5", "−5", "–5", "‒5", "‑5", "－5", "﹣5", "- 5", "minus 5", "Minus 5.", "negative 5", "Answer: −5", "Answer: – 5",
         "Answer: minus 5", "It is negative 5.", "The answer is minus 5.", "x = -5", "$-5$", "**-5**", "\\boxed{-5}",
         "-\\frac{10}{2}", "\\frac{-10}{2}", "-10/2", "20 - 25 = -5"],
    ),
    "signs of money": (
        "-5", DOLLARS,
        ["-$5", "$-5", "−$5.00", "- $5", "minus $5", "negative $5", "-5 dollars", "−5 USD", "USD -5", "-5$", "($5)", "($5.00)",
         "$(5)", "(5.00)", "Answer: (5)", "Answer: ($5.00).", "A loss: ($5)", "**($5)**"],
    ),
    "signs of temperatures": (
        "-5", CELSIUS, ["−5 °C", "-5℃", "minus 5 degrees Celsius", "-5 C", "5 degrees below zero", "5 °C below freezing"],
    ),
    "math of numbers": (
        "15", PLAIN,
        ["$\\boxed{15}$", "$ \\boxed{15} $", "$x = \\boxed{15}$", "The final answer is: $\\boxed{15}$. I hope it is correct.", "$$\\boxed{15}$$",
         "Final Answer: The final answer is $\\boxed{15}$.", "So $3 \\cdot 5 = \\boxed{15}$.", "=> 15", "-> 15", "x => 15"],
    ),
    "math of miles": ("15", MILES, ["$\\boxed{15}$ miles", "$\\boxed{15 \\text{ miles}}$", "$\\boxed{15}\\text{ miles}$", "$\\boxed{15}$"]),
    "thousands": (
        "1234567", PLAIN,
        ["1,234,567", "1 234 567", "1\u202f234\u202f567", "1\u2009234\u2009567", "1\u00a0234\u00a0567", "1'234'567",
         "1’234’567", "1_234_567", "1{,}234{,}567", "1\\,234\\,567", "1\\ 234\\ 567", "1~234~567", "１，２３４，５６７", "1,234,567.00",
         "1.234567 million", "1,234.567 thousand"],
    ),
    "the continent's way, in its money": (
        "1234.5", EUROS,
        ["1.234,50 €", "€1.234,50", "EUR 1.234,5", "1.234,50", "Answer: 1.234,50", "1 234,50 €", "1\u202f234,50 €", "1234,50 €",
         "1'234.50 €", "1'234,50 €", "€1,234.50", "1,234.5 euros", "1234.50"],
    ),
    "whole thousands of the continent": ("1234", EUROS, ["1.234 €", "€1,234", "1 234 EUR", "1.234,00 €", "1.234"]),
    "cents of the continent": ("0.5", EUROS, ["0,50 €", "0,5 EUR", "€0.50", "0,500 €"]),
    "currency on either side": (
        "15", DOLLARS,
        ["$15", "$ 15", "15$", "15 $", "US$15", "US$ 15", "USD 15", "USD15", "15 USD", "15USD", "15 US dollars", "15 bucks",
         "$15 USD", "$15.00", "15.00$", "＄１５", "+$15", "dollars: 15", "Answer: $15 (fifteen dollars)", "\\$15", "15\\$"],
    ),
    "units": (
        "6.3", MILES,
        ["6.3 miles", "6.3mi", "6.3 mi.", "6.3-mile", "≈ 6.3 miles", "about 6.3 miles", "miles: 6.3", "6.3 \\text{ miles}",
         "6.3~\\text{mi}", "6.3\\;\\mathrm{mi}", "**6.3** miles", "６．３ miles"],
    ),
    "durations": ("155", MINUTES, ["155 min", "2 h 35 min", "2h35m", "2h 35min", "2 hours and 35 minutes", "2 hrs, 35 mins"]),
    "percent": ("90", PERCENT, ["90%", "90 %", "90\\%", "$90\\%$", "90 percent", "90 per cent", "90 pct", "９０％", "\\boxed{90\\,\\%}"]),
    "LaTeX": (
        "15", DOLLARS,
        ["\\boxed{15}", "\\fbox{15}", "\\boxed{ 15 }", "\\boxed 15", "$\\boxed{15}$", "\\[\\boxed{15}\\]", "\\boxed{\\text{\\$15}}",
         "\\boxed{15\\,\\text{dollars}}", "\\(\\boxed{\\$15.00}\\)", "\\frac{30}{2}", "\\dfrac{30}{2}", "\\tfrac{30}2", "\\frac{30}2",
         "\\mathbf{15}", "\\boldsymbol{\\text{15}}", "$\\$15$", "$$15$$", "\\(15\\)", "\\left(\\frac{30}{2}\\right)"],
    ),
    "fractions": (
        "2.5", PLAIN, ["5/2", "\\frac{5}{2}", "\\frac52", "2\\frac{1}{2}", "2 1/2", "2½", "5⁄2", "５／２", "+2.5", "\\frac{25}{10}",
                        "$\\frac{5}{2}$", "$\\frac{5}{2}$ of them", "2 and 1/2"],
    ),
    "eighths": ("7/8", PLAIN, ["⅞", "Answer: ⅞", "$\\tfrac78$", "0.875", "7⁄8"]),
    "powers of ten": ("1234000", PLAIN, ["1.234e6", "1.234E+6", "1.234 × 10^6", "1.234 \\times 10^{6}", "1234e3"]),
    "dollars and cents": ("11.68", DOLLARS, ["11 dollars and 68 cents", "11 dollars 68 cents", "11 dollars, 68 cents", "$11.68"]),
    "marks around": (
        "15", DOLLARS,
        ["**15**", "__15__", "***$15***", "*15*", "<b>$15</b>", "`15`", '"15"', "“15”", "«15»", "[15]", "15!", "15<br>", "#### 15",
         "<answer>15</answer>", "<answer>$15</answer>", "Answer: `$15`", "**Answer: 15**", "*Answer:* 15", "**Final Answer**: $15",
         "Answer：15", "ANSWER = 15", "Answer – 15", "Answer:15", "１５"],
    ),
}  # fmt: skip

WRONG: dict[str, tuple[str, Question, list[str]]] = {
    "ranges": (
        "15", DOLLARS,
        ["15-20", "15–20", "15—20", "15 − 20", "$15-$20", "$15 - $20", "15 to 20", "from 15 to 20", "between $15 and $20", "15..20",
         "15...20", "15…20", "15~20", "15 ± 5", "15±1", "15 \\pm 1", "15 +/- 1", "[15, 20]", "(15, 20)", "15 < x < 20"],
    ),
    "bounds": (
        "15", DOLLARS,
        ["at least 15", "at most $15", "more than 15", "less than $15", "no more than 15", "up to 15", "Answer: up to $15", "≥15",
         "≤ $15", "< 15", "\\leq 15", "\\ge 15", "15+", "Answer: 15+", "15 or more", "15 dollars or less", "Answer: $15 or so",
         "Answer: at least $15", "Answer: over 15", "Answer: under $15", "15 at most", "Answer: $15 at least"],
    ),
    "several candidates": (
        "15", DOLLARS,
        ["Answer: 15, 20", "Answer: 20, 15", "Answer: $15, $20", "Answer: 15 and 20", "Answer: 15 & 20", "Answer: 15; 20",
         "Answer: 15 / 20", "Answer: 15 | 20", "Answer: 15 20", "Answer: 15\n20", "Answer:\n15\n20", "Answer:\n- 15\n- 20",
         "Answer: 15 or 20", "Answer: either 20 or 15", "Answer: 15, 20, or 25", "Answer: 15 vs 20", "Answer: 15 (20)",
         "Answer: 15 [20]", "Answer: A) 15 B) 20", "Answer: **15** **20**", "Answer: 15 → 20", "Answer: {15, 20}", "Answer: 15?20",
         "\\boxed{15, 20}", "\\boxed{15 \\text{ or } 20}", "\\boxed{15} or \\boxed{20}", "<answer>15, 20</answer>"],
    ),
    "another sign": ("15", DOLLARS, ["-15", "−15", "－15", "($15)", "(15.00)", "$(15)", "minus 15", "negative 15", "-\\$15", "-15$"]),
    "another unit": (
        "15", DOLLARS,
        ["15%", "15％", "15 per cent", "€15", "15€", "15 EUR", "EUR 15", "CHF 15", "£15", "15 cents", "15 km", "km 15", "15 hours"],
    ),
    "another size": (
        "15", DOLLARS,
        ["1,5", "1 5", "1'5", "15,0", "15,000", "15 000", "1.5", "150", "15k", "15 thousand", "15 million", "15e1", "15e-1", "15 × 10^1", "15x", "15²", "√15",
         "15^2", "14.999", "v15", "15:00"],
    ),
    "the continent's way, elsewhere": ("1234.5", DOLLARS, ["1.234,50", "$1.234,50", "1234,5", "12,34.5", "1,2345", "1 2345"]),
    "badly grouped": ("1168", DOLLARS, ["11 68", "1 1680", "1, 168", "1'16'8", "1.168", "1,1680", "0,001,168"]),
    "no thousands in its money": ("1.23", EUROS, ["1.234,50", "123", "1,234", "12,3"]),
}  # fmt: skip


def _cases(kinds: dict[str, tuple[str, Question, list[str]]]) -> list[tuple[str, str, Question]]:
    return [(reply, gold, question) for gold, question, replies in kinds.values() for reply in replies]


@pytest.mark.parametrize(("reply", "gold", "question"), _cases(RIGHT))
def test_spellings_of_the_answer(reply: str, gold: str, question: Question) -> None:
    assert right(reply, gold, question)


@pytest.mark.parametrize(("reply", "gold", "question"), _cases(WRONG))
def test_what_only_looks_like_the_answer(reply: str, gold: str, question: Question) -> None:
    assert not right(reply, gold, question)


@pytest.mark.parametrize(
    ("reply", "gold"),
    [
        ("$20 - $5 = $15", "15"),
        ("20 minus 5 is 15.", "15"),
        ("The price minus the $5 coupon is $15.", "15"),
        ("The two items add up to 15.", "15"),
        ("14.6, rounded up to 15", "15"),
        ("She has more than 10 dollars: $15.", "15"),
        ("The total ($15) is what she pays.", "15"),
        ("Fifteen dollars ($15)", "15"),
        ("Since 2020 150 people came; the answer is 15.", "15"),
        ("The price rose by 20 from -5 to 15. Answer: 15", "15"),
    ],
)
def test_signs_bounds_and_brackets_of_the_work_are_no_part_of_the_answer(reply: str, gold: str) -> None:
    assert right(reply, gold, DOLLARS)


@settings(max_examples=300, deadline=None)
@given(
    st.integers(-(10**9), 10**9),
    st.sampled_from([",", " ", "'", "’", "_", "\u202f", "\u2009", "\u00a0", "\\,"]),
    st.sampled_from(["-{}", "−{}", "minus {}", "negative {}"]),
    st.sampled_from(["{}", "Answer: {}", "**{}**", "\\boxed{{{}}}", "The answer is {}."]),
)
def test_signs_and_separators_together(number: int, mark: str, sign: str, frame: str) -> None:
    digits = f"{abs(number):,}".replace(",", mark)
    reply = frame.format(sign.format(digits) if number < 0 else digits)
    assert right(reply, str(number), PLAIN)
    assert not right(reply, str(number + 1), PLAIN)
    assert number == 0 or not right(reply, str(-number), PLAIN)
