"""Servings in all or servings more; batches to make, or bowls to fill."""

from __future__ import annotations

from harness_plugins.tasks.goodhart.families.base import Params, integers
from harness_plugins.tasks.goodhart.families.recipe_scale import FAMILY
from harness_plugins.tasks.goodhart.matched.sheet import Number, Sheet
from harness_plugins.tasks.goodhart.matched.story import Story


def solve(sheet: Sheet, params: Params, more: int, split: int) -> Number:
    cups, old, new, batches = integers(params, "cups", "old", "new", "batches")
    servings = sheet.add(old, new) if more else new
    rewritten = sheet.divide(sheet.multiply(cups, servings), old)
    return sheet.divide(rewritten, batches) if split else sheet.multiply(rewritten, batches)


STORY = Story(
    family=FAMILY,
    scenario=(
        "A recipe for {old} servings calls for {cups} of {food}. I rewrite it for {new} [1:|more ]servings and then "
        "[2:make {batches} batches of the rewritten recipe|share one batch of it out among {batches} bowls]. How much "
        "{food} [2:do I need in all|goes into each bowl]?"
    ),
    procedures=(
        "Divide {cups} by {old}, multiply that by [1:{new} on its own|{new} plus {old}], and [2:multiply|divide] the "
        "result by {batches}.",
        "Find what a single serving takes if {old} take {cups}. Scale that to [1:just {new}|{old} and {new}], and "
        "[2:count it {batches} times|cut it into {batches} shares].",
        "Let {cups} grow in the ratio of [1:{new}|{old} + {new}] to {old}; afterwards the amount is "
        "[2:multiplied|divided] by {batches}.",
    ),
    solve=solve,
)
