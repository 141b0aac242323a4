"""Early or late; when to set out, or when to be there."""

from __future__ import annotations

from harness_plugins.tasks.goodhart.families.base import Params, integers
from harness_plugins.tasks.goodhart.families.schedule_buffer import FAMILY
from harness_plugins.tasks.goodhart.families.text import clock
from harness_plugins.tasks.goodhart.matched.sheet import Sheet
from harness_plugins.tasks.goodhart.matched.story import Story


def solve(sheet: Sheet, params: Params, late: int, there: int) -> str:
    due, travel, buffer = integers(params, "due", "travel", "buffer")
    arrival = sheet.later(due, buffer if late else -buffer)
    return clock(arrival if there else sheet.later(arrival, -travel))


STORY = Story(
    family=FAMILY,
    scenario=(
        "{person} has an appointment at the {place} at {due}. The way there takes {travel} minutes, and she [1:wants "
        "to|may] be there {buffer} minutes [1:early|late]. At what time must she [2:leave|arrive]?"
    ),
    procedures=(
        "[1:Subtract {buffer} from|Add {buffer} to] {due}, and then [2:subtract {travel} as well|let {travel} play no "
        "part].",
        "From {due}, move {buffer} minutes [1:back|on]. The {travel} minutes [2:also come off|do not matter].",
        "Set a clock to {due} and turn it [1:back|forward] by {buffer}; {travel} [2:is to be turned back too|is of no "
        "interest here].",
    ),
    solve=solve,
)
