"""A percentage asked once or every month; one payment, or what it leaves."""

from __future__ import annotations

from harness_plugins.tasks.goodhart.families.base import Params, integers
from harness_plugins.tasks.goodhart.families.loan_payment import FAMILY
from harness_plugins.tasks.goodhart.matched.sheet import Number, Sheet
from harness_plugins.tasks.goodhart.matched.story import Story


def solve(sheet: Sheet, params: Params, monthly: int, left: int) -> Number:
    loan, rate, months = integers(params, "loan", "rate", "months")
    interest = sheet.percent(rate, loan)
    if monthly:
        interest = sheet.multiply(interest, months)
    total = sheet.add(loan, interest)
    payment = sheet.divide(total, months)
    return sheet.subtract(total, payment) if left else payment


STORY = Story(
    family=FAMILY,
    scenario=(
        "{person} borrows ${loan} for a {thing}. The bank asks a flat {rate}% of the loan as interest[1:| for every "
        "month], and she pays everything back in {months} equal monthly payments. What [2:is one payment|is still due "
        "after one payment]?"
    ),
    procedures=(
        "Increase ${loan} by {rate}% of it [1:a single time|{months} times] and divide the sum by {months}; give "
        "[2:that part|the rest].",
        "To ${loan} add [1:{rate}%, counted once,|{rate}%, counted {months} times,] and cut the total into {months} "
        "shares. The answer is [2:one share|all but one].",
        "Multiply ${loan} by [1:1 + {rate}%|1 + {months} × {rate}%]; out of {months} equal parts of this, "
        "[2:take|drop] one.",
    ),
    solve=solve,
)
