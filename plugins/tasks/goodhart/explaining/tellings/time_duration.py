"""Counting from the start or from the end; two lengths added, or one cut by the other."""

from __future__ import annotations

from harness_plugins.tasks.goodhart.explaining.telling import Known, Quantity, Telling
from harness_plugins.tasks.goodhart.families.base import Params

START, END = "(start|starting|beginning|begin)", "(end|ending|finish|finishing)"
LENGTH = """[actual|total|real|shortened|reduced|new|remaining|adjusted|effective|meeting] (duration|length) [time|of the \\w+]
    how long (it|the \\w+) [actually] lasts; actual time"""


def quantities(known: Known, back: int, cut: int) -> list[Quantity]:
    start, hours, minutes = known("start", "hours", "minutes")
    hours = hours * 60
    length = hours - minutes if cut else hours + minutes
    sign = -1 if back else 1
    change = -minutes if cut else minutes
    given, asked = (END, START) if back else (START, END)
    planned = "(planned|original|scheduled) (duration|length|time); hour[s]" if cut else "hour[s]"
    return [
        Quantity("the time given", start, f"{given} [time] [of the \\w+]; (given|initial) time", given=True),
        Quantity("the hours", hours, planned, given=True),
        Quantity(
            "the minutes", minutes, "[dropped|extra|remaining|additional] minutes; dropped (time|part)", given=True
        ),
        Quantity("minutes of the time given", start % 60, "minutes [of the (start|end|clock) [time]]", given=True),
        Quantity("hour of the time given", start - start % 60, given=True),
        Quantity("the minutes together", start % 60 + sign * change),
        Quantity("the hours together", start - start % 60 + sign * hours),
        Quantity("the length", length, LENGTH, given=not cut),
        Quantity("the time, moved by the hours", start + sign * hours),
        Quantity("the time, moved by the minutes", start + sign * change),
        Quantity("the time asked for", start + sign * length, f"{asked} [time] [of the \\w+]; final (time|answer)"),
    ]


def regime(params: Params) -> object:
    return int(params["start"]) % 60 + int(params["minutes"]) >= 60


COMPOSED = tuple(
    frozenset({hours, "the minutes together"}) for hours in ("the hours together", "the time, moved by the hours")
)
TELLING = Telling(quantities, regime, clock=True, composed=COMPOSED)
