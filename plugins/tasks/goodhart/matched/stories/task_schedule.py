"""What has to wait for what; counting on from the start, or back from the deadline."""

from __future__ import annotations

from harness_plugins.tasks.goodhart.families.base import Params, integers
from harness_plugins.tasks.goodhart.families.task_schedule import FAMILY
from harness_plugins.tasks.goodhart.families.text import clock
from harness_plugins.tasks.goodhart.matched.sheet import Sheet
from harness_plugins.tasks.goodhart.matched.story import Story


def solve(sheet: Sheet, params: Params, waits: int, back: int) -> str:
    first, second, side, start = integers(params, "first", "second", "side", "start")
    one = sheet.add(first, second)
    other = sheet.add(first, side) if waits else side
    span = int(max(one, other))
    sheet.note(f"The longer of {one} and {other} is {span}.")
    return clock(sheet.later(60 * start, -60 * span if back else 60 * span))


STORY = Story(
    family=FAMILY,
    scenario=(
        "[2:At {start} two workers begin|By {start} two workers must be through]. One does the {a} ({first}) and then "
        "the {b} ({second}), which cannot begin before the {a} is done. The other [1:does the {c}, which|waits for the "
        "end of the {a} and then does the {c}, which] takes {side}. At what time [2:is everything done|must work "
        "begin]?"
    ),
    procedures=(
        "[1:Add {first} and {second}, and compare this sum with {side}|Compare {second} with {side}, and add {first} "
        "to the longer]. Go [2:on|back] from {start} by the [1:longer of both|sum found].",
        "Take the larger of [1:{first} plus {second} and {side} alone|{first} plus {second} and {first} plus {side}], "
        "and count it [2:forward|backward] from {start}.",
        "The answer lies [2:after|before] {start} by [1:the maximum of {first} + {second} and {side}|{first} + the "
        "maximum of {second} and {side}].",
    ),
    solve=solve,
)
