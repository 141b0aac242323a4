"""What the given overlap is and what is asked: both, neither, or exactly one."""

from __future__ import annotations

from harness_plugins.tasks.goodhart.families.base import Params, integers
from harness_plugins.tasks.goodhart.families.set_intersection import FAMILY
from harness_plugins.tasks.goodhart.matched.sheet import Number, Sheet
from harness_plugins.tasks.goodhart.matched.story import Story


def solve(sheet: Sheet, params: Params, both_given: int, exactly_one: int) -> Number:
    total, a, b, neither = integers(params, "total", "a", "b", "neither")
    if not both_given:
        some = sheet.subtract(total, neither)
        overlap = sheet.subtract(sheet.add(a, b), some)
        return sheet.subtract(some, overlap) if exactly_one else overlap
    some = sheet.subtract(sheet.add(a, b), neither)  # the number given is the overlap
    return sheet.subtract(some, neither) if exactly_one else sheet.subtract(total, some)


STORY = Story(
    family=FAMILY,
    scenario=(
        "Of {total} people, {a} like {one}, {b} like {two}, and {neither} like [1:neither|both]. How many like "
        "[12:{one} and {two}|just one of them|neither of them|just one of them]?"
    ),
    procedures=(
        "[12:Add {a} and {b}, then subtract {total} reduced by {neither}|Double {total} reduced by {neither}, then "
        "subtract {a} and {b}|Add {a} and {b}, subtract {neither}, and take this from {total}|Add {a} and {b}, "
        "subtract {neither} twice, and ignore {total}].",
        "Compute [12:{a} + {b} - ({total} - {neither})|2 × ({total} - {neither}) - {a} - {b}|{total} - ({a} + {b} - "
        "{neither})|{a} + {b} - 2 × {neither}, without {total}].",
        "Find the sum of {a} and {b}. [12:Report by how much it exceeds {total} minus {neither}|Remove twice what it "
        "exceeds {total} minus {neither} by|Remove {neither} and report how far {total} exceeds it|Remove {neither} "
        "and again {neither}; {total} is not used].",
    ),
    solve=solve,
)
