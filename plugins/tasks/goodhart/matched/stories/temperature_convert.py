"""A reading is converted, or a difference; heated or cooled."""

from __future__ import annotations

from harness_plugins.tasks.goodhart.families.base import Params, integers
from harness_plugins.tasks.goodhart.families.temperature_convert import FAMILY
from harness_plugins.tasks.goodhart.matched.sheet import Number, Sheet
from harness_plugins.tasks.goodhart.matched.story import Story


def solve(sheet: Sheet, params: Params, fahrenheit: int, cooled: int) -> Number:
    reading, rise = integers(params, "reading", "rise")
    change = sheet.subtract if cooled else sheet.add
    if fahrenheit:
        return change(reading, sheet.divide(sheet.multiply(rise, 9), 5))
    return change(sheet.multiply(sheet.divide(sheet.subtract(reading, 32), 9), 5), rise)


STORY = Story(
    family=FAMILY,
    scenario=(
        "The {thing} shows {reading} degrees Fahrenheit. It is then [2:heated by another|cooled by] {rise} degrees "
        "Celsius. What is its temperature in [1:Celsius|Fahrenheit]?"
    ),
    procedures=(
        "[1:Subtract 32 from {reading} and multiply by 5/9|Keep {reading} as it stands and multiply {rise} by 9/5]; "
        "then [2:add|subtract] [1:the {rise} degrees|that product].",
        "Of {reading} and {rise}, convert only the [1:former (less 32, times 5/9)|latter (times 9/5, without 32)], "
        "and take their [2:sum|difference].",
        "The result is [1:5/9 of ({reading} - 32)|{reading}] [2:plus|minus] [1:{rise}|9/5 of {rise}, with no 32].",
    ),
    solve=solve,
    unit="degrees [1:Celsius|Fahrenheit]",
    answer_format="the number of degrees [1:Celsius|Fahrenheit]",
)
