"""What has to wait for what; counting on from the start, or back from the deadline."""

from __future__ import annotations

from harness_plugins.tasks.goodhart.explaining.telling import Known, Quantity, Telling
from harness_plugins.tasks.goodhart.families.base import Params

GIVEN = "(start|starting|beginning|begin|deadline|end|finish) [time] [of the \\w+]"
JOB = "[time (for|of|to do|to finish) the] {job} [time|duration|task]; time (for|of) {job}; duration of [the] {job}"
FIRST_WORKER = """{a} and [the] {b} [time|times|together|combined]; first worker's [total] (time|tasks|work|duration)
    first worker; [total] time (for|of) [the] (first worker|worker 1|{a} and {b}); both tasks"""
OTHER = "(second|other) (worker|worker's) [total] [time|task|work|duration]"
DONE = "(end|ending|finish|finishing) [time] of [the] {job}; {job} (ends|is done|finishes)"
SPAN = """(total|longest|longer|maximum|critical|overall|larger|greater) [time|duration|path|total|length|task] [needed]
    (longer|longest|larger|greater|maximum) (one|of the two|of both|of these)"""
LONGER = "(longer|larger|maximum) of [the] ({b} and [the] {c}|{c} and [the] {b})"
ASKED = "(final|end|finish|completion|total) [time]; time [when] (everything is done|work must begin); final answer"


def quantities(known: Known, waits: int, back: int) -> list[Quantity]:
    first, second, side, start = (amount * 60 for amount in known("first", "second", "side", "start"))
    a, b, c = known.words["a"], known.words["b"], known.words["c"]
    sign = -1 if back else 1
    row, beside = first + second, first + side if waits else side
    span = row.largest(beside)
    last = second.largest(side) if waits else second
    half_way = start - last if back else start + first
    other = f"{a} and {c}" if waits else f"{c} alone"
    return [
        Quantity("the time given", start, GIVEN, given=True),
        Quantity(f"the {a}", first, JOB.replace("{job}", a), given=True),
        Quantity(f"the {b}", second, JOB.replace("{job}", b), given=True),
        Quantity(f"the {c}", side, JOB.replace("{job}", c), given=True),
        Quantity(f"{a} and {b}", row, FIRST_WORKER.replace("{a}", a).replace("{b}", b)),
        Quantity(other, beside, OTHER, given=not waits),
        *(
            [
                Quantity(
                    "the longer of the jobs that wait", second.largest(side), LONGER.replace("{b}", b).replace("{c}", c)
                )
            ]
            if waits
            else []
        ),
        Quantity(f"the end of the {a}", half_way, DONE.replace("{job}", a)),
        *(
            [Quantity(f"the start of the {b}", start - second), Quantity(f"the start of the {c}", start - side)]
            if back
            else []
        ),
        Quantity("when the first worker is done", start + sign * row, DONE.replace("{job}", b)),
        Quantity("when the other worker is done", start + sign * beside, DONE.replace("{job}", c)),
        Quantity("the time that it takes", span, SPAN, needs=(f"{a} and {b}", other)),
        Quantity("the time asked for", start + sign * span, ASKED, needs=(f"the end of the {a}",)),
    ]


def regime(params: Params) -> object:
    first, second, side = (int(params[name]) for name in ("first", "second", "side"))
    return [(a > b) - (a < b) for a, b in ((first + second, side), (second, side))]


TELLING = Telling(quantities, regime, clock=True)
