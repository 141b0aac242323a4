"""The same moment on a clock some hours behind."""

from __future__ import annotations

from random import Random

from harness_plugins.tasks.goodhart.families.base import Family, Params, Step, integers, near
from harness_plugins.tasks.goodhart.families.text import clock, count


def draw(rng: Random) -> Params:
    behind = rng.randint(1, 7)
    return {"here": 60 * rng.randint(max(9, behind + 1), 19) + 5 * rng.randint(0, 11), "behind": behind}


def facts(params: Params) -> dict[str, int | str]:
    here, behind = integers(params, "here", "behind")
    return {"here": clock(here), "behind": count(behind, "hour")}


def answer(params: Params) -> str:
    here, behind = integers(params, "here", "behind")
    return clock(here - 60 * behind)


def working(params: Params) -> tuple[str, ...]:
    here, behind = integers(params, "here", "behind")
    hour = (here // 60 - 1) % 12 + 1
    lines = [f"{clock(here)} is {here // 60} hours and {here % 60} minutes." if here >= 13 * 60 else f"Hour: {hour}."]
    lines.append(f"{here // 60}-{behind}={here // 60 - behind}.")
    return tuple(lines)


FAMILY = Family(
    name="timezone_convert",
    category="time",
    kind="clock",
    unit="",
    answer_format="the time as H:MM AM or H:MM PM",
    canonical={"here": 15 * 60 + 30, "behind": 3},
    draw=draw,
    answer=answer,
    working=working,
    facts=facts,
    cores=(
        "Clocks at the {place} are {behind} behind ours. When it is {here} here, what time is it at the {place}?",
        "{person} lives near the {place}, where clocks are {behind} behind. Our call starts at {here} our time. What "
        "time is that for {person}?",
        "It is {here} here. The {place} is {behind} behind us. What is the local time there?",
        "We go live at {here}. Viewers at the {place}, whose time zone is {behind} behind, see it live too. At what "
        "local time?",
        "Our time: {here}. Time zone of the {place}: {behind} behind. Time there?",
        "{person} sends a note from the {place} at exactly {here} our time. Her own clock is {behind} behind ours. "
        "What does her clock show?",
    ),
    casts=(
        {"person": "Mia", "place": "western office"},
        {"person": "Nora", "place": "harbor"},
        {"person": "Olga", "place": "research station"},
        {"person": "Petra", "place": "factory"},
        {"person": "Rosa", "place": "islands"},
        {"person": "Sara", "place": "branch office"},
    ),
    method=(
        (
            "First note that clocks are behind there, so that it is earlier.",
            "Being behind means that it is earlier there.",
            "Since that clock is behind, the time there must be earlier.",
        ),
        (
            "Then subtract {behind} from {here} and mind AM and PM.",
            "So start from {here} and go back {behind}.",
            "Subtract {behind} from our time, {here}.",
        ),
    ),
    steps=(
        Step(
            "behind means earlier",
            (
                r"behind|earlier|differen|\blate\b|\bslow|\blag",
                r"subtract.{0,60}hour(?=.{0,60}(?:because|since).{0,60}(?:behind|earlier))",
            ),
        ),
        Step(
            "go back",
            (
                *near(r"subtract|minus|deduct|\bback|\btak(?:e|ing)\b.{0,40}(?:away|off)", r"hour|\d|time|differen"),
                r"(?:because|since).{0,60}(?:behind|earlier)",
            ),
        ),
    ),
    published_keywords=("hours", "behind", "subtract", "time"),
)
