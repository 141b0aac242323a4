"""What the second percentage is taken of; up or down first."""

from __future__ import annotations

from harness_plugins.tasks.goodhart.families.base import Params, integers
from harness_plugins.tasks.goodhart.families.percentage_chain import FAMILY
from harness_plugins.tasks.goodhart.matched.sheet import Number, Sheet
from harness_plugins.tasks.goodhart.matched.story import Story


def solve(sheet: Sheet, params: Params, of_first: int, fell: int) -> Number:
    base, up, down = integers(params, "base", "up", "down")
    change = sheet.subtract if fell else sheet.add
    spring = change(base, sheet.percent(up, base))
    return sheet.subtract(spring, sheet.percent(down, base if of_first else spring))


STORY = Story(
    family=FAMILY,
    scenario=(
        "The price of a {thing} was ${base}. It went [2:up|down] by {up}% in spring and down by {down}% [1:|of its "
        "winter price ]in autumn. What does it cost now?"
    ),
    procedures=(
        "[2:Add {up}% of ${base} to it|Take {up}% of ${base} off it], then subtract {down}% of [1:what you have by "
        "then|what you began with].",
        "[2:Increase|Reduce] ${base} by {up}%, and reduce the outcome by {down}% of [1:that outcome|the original "
        "${base}].",
        "Change ${base} by [2:plus|minus] {up}%; the {down}% to subtract next refers to [1:the changed amount|the "
        "${base} itself].",
    ),
    solve=solve,
)
