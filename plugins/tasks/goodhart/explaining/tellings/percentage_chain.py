"""What the second percentage is taken of; up or down first."""

from __future__ import annotations

from harness_plugins.tasks.goodhart.explaining.telling import Known, Quantity, Telling

BASE = "(original|initial|winter|starting|base|first|old) (price|cost|amount|value); price"
FIRST_RATE = (
    "[spring|first] (increase|decrease|rise|fall|drop) [percentage|percent|rate] [in spring]; spring (percentage|rate)"
)
SECOND_RATE = (
    "[autumn|second] (increase|decrease|rise|fall|drop) [percentage|percent|rate] [in autumn]; autumn (percentage|rate)"
)
FIRST = "[spring|first] (increase|decrease|rise|fall|drop) [amount]; amount of the (increase|decrease) [in spring]"
SECOND = "[autumn|second] (decrease|fall|drop|reduction) [amount]; amount of the decrease [in autumn]"
SPRING = """(spring|new|increased|decreased|reduced|updated|raised) price [(in|after) spring]
    price (after|in) [the] (spring|increase|decrease)"""
NOW = "(final|current|autumn|new) (price|cost) [in autumn]; final answer"


def quantities(known: Known, of_first: int, fell: int) -> list[Quantity]:
    base, up, down = known("base", "up", "down")
    first = base * up / 100
    spring = base - first if fell else base + first
    second = (base if of_first else spring) * down / 100
    return [
        Quantity("the first price", base, BASE, given=True),
        Quantity("the percentage in spring", up, FIRST_RATE, given=True, rate=True),
        Quantity("the percentage in autumn", down, SECOND_RATE, given=True, rate=True),
        Quantity("the change in spring", first, FIRST),
        Quantity("the price in spring", spring, SPRING),
        Quantity("the fall in autumn", second, SECOND),
        Quantity("the price now", spring - second, NOW),
    ]


TELLING = Telling(quantities)
