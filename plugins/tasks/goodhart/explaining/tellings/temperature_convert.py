"""A reading is converted, or a difference; heated or cooled."""

from __future__ import annotations

from harness_plugins.tasks.goodhart.explaining.telling import Known, Quantity, Telling

READING = """(initial|original|current|starting|given) [temperature|reading] [in Fahrenheit]
    Fahrenheit [temperature|reading]; reading"""
RISE = "[temperature] (increase|rise|change|decrease|drop|difference) [in Celsius]; (heating|cooling) [amount]"
IN_C = "(temperature|reading|initial temperature|original temperature) in Celsius; Celsius [temperature|reading|equivalent]"
IN_F = "(increase|rise|change|decrease|drop|difference) in Fahrenheit; Fahrenheit (change|increase|decrease|equivalent)"
FINAL = "(final|new|resulting) temperature [in (Celsius|Fahrenheit)]; final answer; (Celsius|Fahrenheit)"


def quantities(known: Known, fahrenheit: int, cooled: int) -> list[Quantity]:
    reading, rise = known("reading", "rise")
    five_ninths = (reading * 0 + 5) / 9
    change = -rise if cooled else rise
    in_celsius = (reading - 32) * five_ninths
    first = [Quantity("the rise in Fahrenheit", rise / five_ninths, IN_F), Quantity("nine rises", rise * 9)]
    less = [
        Quantity("the reading less 32", reading - 32),
        Quantity("five times that", (reading - 32) * 5),
        Quantity("a ninth of that", (reading - 32) / 9),
        Quantity("the reading in Celsius", in_celsius, IN_C),
    ]
    return [
        Quantity("the reading", reading, READING, given=True),
        Quantity("the rise", rise, RISE, given=True),
        Quantity("5/9", five_ninths, given=True),
        Quantity("9/5", 1 / five_ninths, "conversion factor", given=True),
        *(first if fahrenheit else less),
        Quantity("the answer", reading + change / five_ninths if fahrenheit else in_celsius + change, FINAL),
    ]


TELLING = Telling(quantities)
