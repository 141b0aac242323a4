"""The percentage of the price before or of the price after; a price, or the difference."""

from __future__ import annotations

from fractions import Fraction

from harness_plugins.tasks.goodhart.families.base import Params, integers
from harness_plugins.tasks.goodhart.families.reverse_percentage import FAMILY
from harness_plugins.tasks.goodhart.matched.sheet import Number, Sheet
from harness_plugins.tasks.goodhart.matched.story import Story


def solve(sheet: Sheet, params: Params, forward: int, difference: int) -> Number:
    percent, paid = integers(params, "percent", "paid")
    if forward:
        off = sheet.percent(percent, paid)
        return off if difference else sheet.subtract(paid, off)
    left = sheet.subtract(100, percent)
    before = sheet.multiply(sheet.divide(paid, Fraction(left, 10)), 10)
    return sheet.subtract(before, paid) if difference else before


STORY = Story(
    family=FAMILY,
    scenario=(
        "[1:After|Before] {percent}% off, a {thing} costs ${paid}. [12:What did it cost before|By how many dollars was "
        "it reduced|What will it cost after|By how many dollars will it be reduced]?"
    ),
    procedures=(
        "[1:Divide|Multiply] ${paid} by the share that is left without {percent}%, and answer with [2:the result|its "
        "distance from ${paid}].",
        "Treat ${paid} as [1:the rest that stays when {percent}% goes|the full sum from which {percent}% goes]; find "
        "the [12:full sum|part that goes|rest that stays|part that goes].",
        "Set [1:x minus {percent}% of x equal to ${paid}|x equal to ${paid} minus {percent}% of ${paid}] and report "
        "[2:the solution for x|x against ${paid}].",
    ),
    solve=solve,
)
