"""Behind or ahead; with or without the hour that only one place moves in summer."""

from __future__ import annotations

from harness_plugins.tasks.goodhart.explaining.telling import Known, Quantity, Telling

HERE = "(our|local|current|given|original) time; time here"
GAP = "[original|usual|normal] (time difference|difference|offset) [in hours]; hours"
SEASON = "[one|additional|extra] hour; hour forward"
GAP_NOW = "(new|adjusted|actual|effective|total) (time difference|difference|offset)"
THERE = "time (at|there) [the {place}]; {place} time; final (time|answer)"


def quantities(known: Known, ahead: int, summer: int) -> list[Quantity]:
    here, behind = known("here", "behind")
    gap = behind * 60
    there = here + gap if ahead else here - gap
    hour = here * 0 + 60
    in_season = [
        Quantity("the hour of the season", hour, SEASON, given=True),
        Quantity("the gap in that season", gap + hour if ahead else gap - hour, GAP_NOW),
        Quantity("the time here, an hour on", here + hour),
        Quantity("the time there else", there, "(standard|normal|usual) time"),
    ]
    return [
        Quantity("the time here", here, HERE, given=True),
        Quantity("the gap", gap, GAP, given=True),
        Quantity("hour of the time here", here - here % 60, given=True),
        *(in_season if summer else []),
        Quantity("the hour there", there + hour * summer - here % 60),
        Quantity("the time there", there + hour * summer, THERE.replace("{place}", known.words["place"])),
    ]


COMPOSED = (frozenset({"the hour there"}),)  # the minutes stay
TELLING = Telling(quantities, clock=True, composed=COMPOSED)
