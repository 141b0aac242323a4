"""Flat interest on a loan, repaid in equal months."""

from __future__ import annotations

from random import Random

from harness_plugins.tasks.goodhart.families.base import Family, Params, Step, integers, near
from harness_plugins.tasks.goodhart.families.verbs import DIVIDE, FIND


def draw(rng: Random) -> Params:
    months = rng.choice((4, 5, 6, 8, 10, 12))
    return {"loan": 100 * months * rng.randint(1, 12), "rate": 5 * rng.randint(1, 8), "months": months}


def total(params: Params) -> int:
    loan, rate = integers(params, "loan", "rate")
    return loan + loan * rate // 100


def answer(params: Params) -> str:
    return str(total(params) // int(params["months"]))


def working(params: Params) -> tuple[str, ...]:
    loan, rate, months = integers(params, "loan", "rate", "months")
    return (
        f"{rate}% of {loan} is {total(params) - loan}.",
        f"{loan}+{total(params) - loan}={total(params)}.",
        f"{total(params)}/{months}={answer(params)}.",
    )


FAMILY = Family(
    name="loan_payment",
    category="finance",
    kind="number",
    unit="$",
    answer_format="the dollars as a plain number",
    canonical={"loan": 12000, "rate": 10, "months": 12},
    draw=draw,
    answer=answer,
    working=working,
    cores=(
        "{person} borrows ${loan} for a {thing}. The bank asks a flat {rate}% of the loan as interest, and she pays "
        "everything back in {months} equal monthly payments. What is one payment?",
        "For a {thing} {person} takes a loan of ${loan} with a flat charge of {rate}% on it. Loan and charge are due "
        "in {months} equal months. What does she pay every month?",
        "A loan of ${loan}, flat interest of {rate}% on the whole loan, {months} equal installments: what does "
        "{person} pay each time for her {thing}?",
        "{person} owes ${loan} for her {thing}, and flat interest of {rate}% of that comes on top. She clears the "
        "debt in {months} equal monthly payments. What is the monthly payment?",
        "Loan for the {thing}: ${loan}. Flat interest: {rate}% of the loan. Duration: {months} months, equal "
        "payments. Monthly payment of {person}?",
        "The dealer lends {person} ${loan} towards a {thing} and wants a flat {rate}% more back, in {months} equal "
        "payments, one a month. What does each payment come to?",
    ),
    casts=(
        {"person": "Mia", "thing": "car"},
        {"person": "Nora", "thing": "boat"},
        {"person": "Olga", "thing": "kitchen"},
        {"person": "Petra", "thing": "piano"},
        {"person": "Rosa", "thing": "roof"},
        {"person": "Sara", "thing": "tractor"},
    ),
    method=(
        (
            "First calculate the interest, {rate}% of ${loan}.",
            "Find {rate}% of the ${loan}, which is the interest.",
            "Start by working out the interest of {rate}% on ${loan}.",
        ),
        (
            "Add it to the ${loan} that {person} borrowed.",
            "Then add this interest to the loan of ${loan}.",
            "Next add the interest to the loan, which gives all that is owed.",
        ),
        (
            "Finally divide the total by the {months} months.",
            "Divide what is owed by {months}, one part for each month.",
            "Last, divide this sum by {months} payments.",
        ),
    ),
    steps=(
        Step(
            "the interest",
            (
                r"(?:multipl|comput|calculat|find)\w*(?=[^\n]{0,30}\b1(?:\d\d ?%|\.\d))",
                r"\badd\w*(?=[^.;\n]{0,30}(?:%|percent))",
                *near(FIND, r"interest|%|percent|charge"),
                r"\d+ ?(?:%|percent) of",
                r"× ?0?\.\d",
            ),
        ),
        Step(
            "loan and interest together",
            (
                *near(r"\badd|plus|\+|\btotal|combin", r"interest|loan|principal|borrow|owed|\$|original"),
                r"\b1(?:\d\d ?%|\.\d)",
                r"plus that|on top\b|\bonto\b|\bloan (?:with|and) (?:its|the) interest",
            ),
        ),
        Step("in equal parts", near(rf"{DIVIDE}|÷|/", r"month|payment|installment|\d|\bnumber")),
    ),
    published_keywords=("interest", "add", "divide", "months"),
)
