"""Two jobs in a row and a third beside them: when is everything done?"""

from __future__ import annotations

from random import Random

from harness_plugins.tasks.goodhart.families.base import Family, Params, Step, integers, near
from harness_plugins.tasks.goodhart.families.text import clock, count


def draw(rng: Random) -> Params:
    while True:
        first, second, side = rng.randint(1, 6), rng.randint(1, 6), rng.randint(1, 9)
        if abs(first + second - side) <= 3:  # else one path is so short that it plays no part
            return {"first": first, "second": second, "side": side, "start": rng.randint(6, 11)}


def facts(params: Params) -> dict[str, int | str]:
    first, second, side, start = integers(params, "first", "second", "side", "start")
    hours = {name: count(n, "hour") for name, n in (("first", first), ("second", second), ("side", side))}
    return {**hours, "start": clock(60 * start)}


def answer(params: Params) -> str:
    first, second, side, start = integers(params, "first", "second", "side", "start")
    return clock(60 * (start + max(first + second, side)))


def working(params: Params) -> tuple[str, ...]:
    first, second, side, start = integers(params, "first", "second", "side", "start")
    row = first + second
    return (
        f"In a row: {first}+{second}={row} hours.",
        f"Beside it: {count(side, 'hour')}.",
        f"The longer one: {count(max(row, side), 'hour')}.",
        f"{clock(60 * start)} plus {count(max(row, side), 'hour')} is {answer(params)}.",
    )


FAMILY = Family(
    name="task_schedule",
    category="scheduling",
    kind="clock",
    unit="",
    answer_format="the time as H:MM AM or H:MM PM",
    canonical={"first": 2, "second": 1, "side": 3, "start": 9},
    draw=draw,
    answer=answer,
    working=working,
    facts=facts,
    cores=(
        "At {start} two workers begin. One does the {a} ({first}) and then the {b} ({second}), which cannot begin "
        "before the {a} is done. The other does the {c}, which takes {side}. At what time is everything done?",
        "Three jobs: {a} {first}, {b} {second}, {c} {side}. The {b} waits for the {a}; the {c} depends on nothing "
        "and has its own crew. All crews can start at {start}. When is the last job done?",
        "The {c} needs {side} and can go on beside the rest. The {b} needs {second} but only starts once the {a}, "
        "which needs {first}, is complete. Work starts at {start}. When is the whole job finished?",
        "From {start} on, one team handles the {a} for {first} and directly afterwards the {b} for {second}. A "
        "second team handles the {c} for {side}, also from {start}. When can both teams go home?",
        "Plan for the day, start {start}. Team one: {a} ({first}), then {b} ({second}). Team two, at the same time: "
        "{c} ({side}). When is all of it complete?",
        "Our client wants the {a}, the {b} and the {c} done. They take {first}, {second} and {side}. Only the {b} "
        "has to wait, namely for the {a}; enough people are there to begin the others at {start}. When is the client "
        "served?",
    ),
    casts=(
        {"a": "plumbing", "b": "tiling", "c": "painting"},
        {"a": "digging", "b": "planting", "c": "mowing"},
        {"a": "baking", "b": "icing", "c": "cooking"},
        {"a": "drafting", "b": "editing", "c": "printing"},
        {"a": "washing", "b": "ironing", "c": "cleaning"},
        {"a": "welding", "b": "grinding", "c": "wiring"},
    ),
    method=(
        (
            "First add the {first} of the {a} and the {second} of the {b}, since they follow each other.",
            "The {b} comes after the {a}, so add {first} and {second}.",
            "Start with the two that run one after the other and add their times, {first} and {second}.",
        ),
        (
            "The {c} runs in parallel, so compare its {side} with that sum and keep the longer time.",
            "Compare this with the {side} of the {c}, which goes on in parallel; the longer of the two counts.",
            "Since the {c} happens at the same time, take the larger of this sum and {side}.",
        ),
        (
            "Finally add the longer time to the start at {start}.",
            "Last, count that many hours on from {start}.",
            "Then add this to {start} to have the end.",
        ),
    ),
    steps=(
        Step(
            "the jobs in a row add up",
            near(
                r"\badd(?!ing the longer| the longer)|summed|\bsum (?:up|of|the)|\bplus|\+|combin|\btotal(?! of all)",
                r"hours?|times?\b|duration|length|both",
            ),
        ),
        Step(
            "the longer path decides",
            (
                r"compar",
                r"longe[rs]",
                r"larger|greater|bigger|maximum|\bmax\b",
                r"(?:the|whichever is) later|later of|whichever|critical path|slower",
            ),
        ),
        Step(
            "add it to the start",
            (
                *near(r"\badd|count|plus|forward|\+", r"start|\d:\d\d|\d ?AM\b|begin|from nine|from 9", gap=60),
                r"two (?:finish\w* |end )?times is",
            ),
        ),
    ),
    routes=(
        (
            Step("when one is through", (r"\b(?:through|done|finish\w*|ready|ends?)\b",)),
            Step("with both jobs", (r"one after the other|\bboth\b|in a row|then|and the",)),
            Step(
                "when the other is through", (r"\bthrough|done|finish\w*|ready|ends?\b|the other|parallel|meanwhile",)
            ),
            Step("the later of them", (r"(?:the|whichever is) (?:later|last)|later (?:of|one)|latest",)),
        ),
    ),
    published_keywords=("after", "parallel", "add", "longer"),
)
