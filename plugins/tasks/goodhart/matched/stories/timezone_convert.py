"""Behind or ahead; with or without the hour that only one place moves in summer."""

from __future__ import annotations

from harness_plugins.tasks.goodhart.families.base import Params, integers
from harness_plugins.tasks.goodhart.families.text import clock
from harness_plugins.tasks.goodhart.families.timezone_convert import FAMILY
from harness_plugins.tasks.goodhart.matched.sheet import Sheet
from harness_plugins.tasks.goodhart.matched.story import Story


def solve(sheet: Sheet, params: Params, ahead: int, summer: int) -> str:
    here, behind = integers(params, "here", "behind")
    there = sheet.later(here, 60 * behind if ahead else -60 * behind)
    return clock(sheet.later(there, 60) if summer else there)


STORY = Story(
    family=FAMILY,
    scenario=(
        "Clocks at the {place} are {behind} [1:behind|ahead of] ours[2:|, but for one season they are put forward "
        "there alone, by an hour]. When it is {here} here[2:| in that season], what time is it at the {place}?"
    ),
    procedures=(
        "Move {here} [1:back|on] by {behind}, then [2:stop right there|go on by 60 minutes].",
        "[1:Subtract {behind} from|Add {behind} to] {here} and [2:leave it at that|add 60 minutes too].",
        "The gap is {behind}, [12:exactly as stated|less 60 minutes|exactly as stated|plus 60 minutes]; the answer is "
        "that much [1:earlier|later] than {here}.",
    ),
    solve=solve,
)
