"""All pay or all but one; everything, or the tip alone."""

from __future__ import annotations

from harness_plugins.tasks.goodhart.families.base import Params, integers
from harness_plugins.tasks.goodhart.families.tip_split import FAMILY
from harness_plugins.tasks.goodhart.matched.sheet import Number, Sheet
from harness_plugins.tasks.goodhart.matched.story import Story


def solve(sheet: Sheet, params: Params, guest: int, tip_alone: int) -> Number:
    bill, tip, people = integers(params, "bill", "tip", "people")
    extra = sheet.percent(tip, bill)
    shared = extra if tip_alone else sheet.add(bill, extra)
    return sheet.divide(shared, sheet.subtract(people, 1) if guest else people)


STORY = Story(
    family=FAMILY,
    scenario=(
        "The bill at the {place} is ${bill}. {people} friends leave a {tip}% tip and [1:pay equal parts|pay equal "
        "parts, except one who is invited]. What does each [1:of them|payer] pay[2:| towards the tip]?"
    ),
    procedures=(
        "Divide [2:${bill} plus {tip}% of it|only the {tip}% of ${bill}] by [1:all {people}|{people} minus 1].",
        "Compute {tip}% of ${bill}, [2:add ${bill} to it|add nothing to it], and split it over [1:{people}|{people} - "
        "1] people.",
        "Take [2:100% and {tip}%|only {tip}%, no more,] of ${bill} and make [1:all {people}|{people} less one] equal "
        "shares of it.",
    ),
    solve=solve,
)
