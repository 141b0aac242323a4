"""A clock that agrees or one that is an hour ahead; one way, or there and back."""

from __future__ import annotations

from harness_plugins.tasks.goodhart.families.base import Params, integers
from harness_plugins.tasks.goodhart.families.elapsed_time import FAMILY
from harness_plugins.tasks.goodhart.families.text import clock, count
from harness_plugins.tasks.goodhart.matched.sheet import Number, Sheet
from harness_plugins.tasks.goodhart.matched.story import Story


def solve(sheet: Sheet, params: Params, ahead: int, twice: int) -> Number:
    start, end = integers(params, "start", "end")
    hours, rest = divmod(end - start, 60)
    near_end = sheet.later(start, 60 * hours)
    sheet.note(f"From {clock(near_end)} to {clock(end)} is {count(rest, 'minute')}.")
    minutes = sheet.add(60 * hours, rest)
    if ahead:
        minutes = sheet.subtract(minutes, 60)
    return sheet.multiply(minutes, 2) if twice else minutes


STORY = Story(
    family=FAMILY,
    scenario=(
        "The {trip} leaves at {start} and arrives at {end}[1:| by a clock that is an hour ahead]. How many minutes "
        "does it take[2:| there and back at this speed]?"
    ),
    procedures=(
        "Count the minutes from {start} to {end}, [1:leave them as they are|take 60 of them away], and report them "
        "[2:once|doubled].",
        "Subtract {start} from {end}, and [1:subtract no more than this|subtract 60 minutes from this]; multiply by "
        "[2:1|2] to finish.",
        "The gap between {start} and {end}[1:, just as it is,|, made 60 shorter,] enters the answer [2:a single "
        "time|two times].",
    ),
    solve=solve,
)
