"""A clock that agrees or one that is an hour ahead; one way, or there and back."""

from __future__ import annotations

from harness_plugins.tasks.goodhart.explaining.telling import Known, Quantity, Telling
from harness_plugins.tasks.goodhart.families.base import Params

START = "(departure|start|starting|leaving) [time]; time (of departure|it leaves)"
END = "(arrival|end|ending) [time]; time (of arrival|it arrives)"
REST = "minutes (that are left|left over|left); (remaining|leftover|extra) minutes; rest of the minutes"
GAP = "(time difference|difference|apparent duration|elapsed time)"
ONE_WAY = "[travel|trip|actual|one-way|real|total] (time|duration|length) [of the (trip|journey)|one way|in minutes]"
ASKED = "(total|round-trip|whole) [travel] (time|duration); final answer"


def quantities(known: Known, ahead: int, twice: int) -> list[Quantity]:
    start, end = known("start", "end")
    gap = end - start
    one_way = gap - 60 * ahead
    return [
        Quantity("the start", start, START, given=True),
        Quantity("the end", end, END, given=True),
        Quantity("an hour", start * 0 + 60, "[one] hour; time difference", given=True),
        Quantity("minutes of the start", start % 60, given=True),
        Quantity("minutes of the end", end % 60, given=True),
        Quantity("hour of the start", start - start % 60, given=True),
        Quantity("hour of the end", end - end % 60, given=True),
        Quantity("the hours between", end - end % 60 - (start - start % 60)),
        Quantity("whole hours between", gap - gap % 60, "[number of] [whole|full] hours"),
        Quantity("the rest in minutes", gap % 60, REST),
        Quantity("the time between", gap, GAP),
        *(
            [Quantity("the end by the first clock", end - 60, f"(actual|real|local|adjusted) {END[:30]}")]
            if ahead
            else []
        ),
        Quantity("the time one way", one_way, ONE_WAY),
        Quantity("the minutes asked for", one_way * (2 if twice else 1), ASKED),
    ]


def regime(params: Params) -> object:
    return int(params["end"]) % 60 >= int(params["start"]) % 60


TELLING = Telling(quantities, regime, clock=True)
