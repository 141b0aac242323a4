"""Counting from the start or from the end; two lengths added, or one cut by the other."""

from __future__ import annotations

from harness_plugins.tasks.goodhart.families.base import Params, integers
from harness_plugins.tasks.goodhart.families.text import clock
from harness_plugins.tasks.goodhart.families.time_duration import FAMILY
from harness_plugins.tasks.goodhart.matched.sheet import Sheet
from harness_plugins.tasks.goodhart.matched.story import Story


def solve(sheet: Sheet, params: Params, back: int, cut: int) -> str:
    start, hours, minutes = integers(params, "start", "hours", "minutes")
    direction = -1 if back else 1
    by_hours = sheet.later(start, direction * 60 * hours)
    return clock(sheet.later(by_hours, direction * (-minutes if cut else minutes)))


STORY = Story(
    family=FAMILY,
    scenario=(
        "The {event} [1:begins|is over] at {start} and [2:lasts {hours} and {minutes}|is planned for {hours}, of which "
        "{minutes} are dropped]. At what time [1:is it over|does it begin]?"
    ),
    procedures=(
        "[2:Add {minutes} to|Subtract {minutes} from] {hours} and go that far [1:forward|backward] from {start}.",
        "On the clock, move from {start} [1:ahead|back] by {hours}, then move [12:ahead|back|back|ahead] by {minutes}.",
        "The [2:sum|difference] of {hours} and {minutes} gives a length of time; the answer is that much "
        "[1:later|earlier] than {start}.",
    ),
    solve=solve,
)
