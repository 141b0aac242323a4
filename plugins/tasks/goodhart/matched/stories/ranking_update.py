"""A list from the front or from the back; the next to the first, or the last."""

from __future__ import annotations

from harness_plugins.tasks.goodhart.families.base import Params
from harness_plugins.tasks.goodhart.families.ranking_update import FAMILY, PLACES
from harness_plugins.tasks.goodhart.matched.sheet import Sheet
from harness_plugins.tasks.goodhart.matched.story import Story


def solve(sheet: Sheet, params: Params, from_back: int, last: int) -> str:
    first, second, third, fourth = (str(params[place]) for place in PLACES)
    sheet.row("Listed", (first, second, third, fourth))
    sheet.row(f"{fourth} and {third} change", (first, second, fourth, third))
    order = sheet.row(f"{fourth} and {second} change", (first, fourth, second, third))
    if from_back:
        order = sheet.row("From the front", reversed(order))
    place = 4 if last else 2
    sheet.note(f"Place {place}: {order[place - 1]}.")
    return order[place - 1]


STORY = Story(
    family=FAMILY,
    scenario=(
        "In the {race} the order from the [1:front|back] is {first}, {second}, {third}, {fourth}. {fourth} "
        "[1:passes|is passed by] {third}, and then {fourth} [1:passes|is passed by] {second}. Who is [2:second|last] "
        "now?"
    ),
    procedures=(
        "Write the names in a row, move the rightmost two steps to the left, and take the one [12:next to the left "
        "end|at the right end|next to the right end|at the left end] of the row.",
        "In the row of names, swap the last two and then the middle two. Counting from the [1:left, not the right|"
        "right, not the left], pick number [2:two, not four|four, not two].",
        "Bring the final name of the list between its opening two. Now read the list [1:forward|backward] and stop at "
        "the [2:2nd|4th] name.",
    ),
    solve=solve,
    fixed={"pass1": 3, "pass2": 2, "asked": 2},
)
