"""Early or late; when to set out, or when to be there."""

from __future__ import annotations

from harness_plugins.tasks.goodhart.explaining.telling import Known, Quantity, Telling

DUE = "appointment [time]; time of the appointment; (scheduled|given) time"
TRAVEL = "(travel|travelling|traveling|journey|driving) [time]; time [needed] to (travel|get there); way there"
BUFFER = "(buffer|extra|early|late) [time|minutes]; minutes (early|late)"
ARRIVAL = "(arrival|desired arrival|target|latest) [time]; time [when] she (must|wants to|can|should) (arrive|be there)"
LEAVE = "(departure|leaving) [time]; time [when] she (must|should|needs to) leave; final (time|answer)"


def quantities(known: Known, late: int, there: int) -> list[Quantity]:
    due, travel, buffer = known("due", "travel", "buffer")
    arrival = due + buffer if late else due - buffer
    together = travel - buffer if late else travel + buffer
    leaving = [
        Quantity("the appointment less the way", due - travel),
        Quantity("both together", together, "total [time]"),
    ]
    return [
        Quantity("the appointment", due, DUE, given=True),
        Quantity("the way", travel, TRAVEL, given=True),
        Quantity("the minutes before or after", buffer, BUFFER, given=True),
        *([] if there else leaving),
        Quantity("the arrival", arrival, f"{ARRIVAL}; final (time|answer)" if there else ARRIVAL),
        *([] if there else [Quantity("when to leave", arrival - travel, LEAVE)]),
    ]


TELLING = Telling(quantities, clock=True)
