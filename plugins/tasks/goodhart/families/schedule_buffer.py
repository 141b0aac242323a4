"""Counting back from an appointment: travel and a margin."""

from __future__ import annotations

from random import Random

from harness_plugins.tasks.goodhart.families.base import Family, Params, Step, integers, near
from harness_plugins.tasks.goodhart.families.text import clock
from harness_plugins.tasks.goodhart.families.verbs import SUBTRACT

WAY = r"travel|\bway\b|road|\bride|driv|trip|journey|commut"
MARGIN = r"margin|early|buffer|extra|in hand|parking|queue|check-?in|cushion"


def draw(rng: Random) -> Params:
    return {
        "due": 15 * rng.randint(4 * 10, 4 * 20),
        "travel": 5 * rng.randint(4, 16),
        "buffer": 5 * rng.randint(1, 6),
    }


def facts(params: Params) -> dict[str, int | str]:
    return {**params, "due": clock(int(params["due"]))}


def answer(params: Params) -> str:
    due, travel, buffer = integers(params, "due", "travel", "buffer")
    return clock(due - travel - buffer)


def working(params: Params) -> tuple[str, ...]:
    due, travel, buffer = integers(params, "due", "travel", "buffer")
    arrive = due - buffer
    return (
        f"{clock(due)} minus {buffer} minutes is {clock(arrive)}.",
        f"{clock(arrive)} minus {travel} minutes is {clock(arrive - travel)}.",
    )


FAMILY = Family(
    name="schedule_buffer",
    category="scheduling",
    kind="clock",
    unit="",
    answer_format="the time as H:MM AM or H:MM PM",
    canonical={"due": 14 * 60, "travel": 45, "buffer": 15},
    draw=draw,
    answer=answer,
    working=working,
    facts=facts,
    cores=(
        "{person} has an appointment at the {place} at {due}. The way there takes {travel} minutes, and she wants to "
        "be there {buffer} minutes early. At what time must she leave?",
        "The {place} expects {person} at {due}. She plans {travel} minutes for the road and {buffer} minutes for "
        "parking. When does she have to set out?",
        "It takes {person} {travel} minutes to reach the {place}. She is due at {due} and likes a margin of {buffer} "
        "minutes. When should she start?",
        "{person} must check in at the {place} at {due}. Check-in queues cost {buffer} minutes, the ride {travel} "
        "minutes. What is the latest time to leave home?",
        "Appointment: {place}, {due}. Ride: {travel} minutes. Margin on arrival: {buffer} minutes. When does "
        "{person} leave?",
        "To be on time at the {place} for {due}, {person} allows {travel} minutes of driving and {buffer} minutes in "
        "hand. What is her departure time?",
    ),
    casts=(
        {"person": "Mia", "place": "dentist"},
        {"person": "Nora", "place": "airport"},
        {"person": "Olga", "place": "town hall"},
        {"person": "Petra", "place": "museum"},
        {"person": "Rosa", "place": "theater"},
        {"person": "Sara", "place": "clinic"},
    ),
    method=(
        (
            "Start from {due} at the {place} and work backwards.",
            "Begin with the appointment at {due} and count back from it.",
            "Go backwards from {due}, the time at the {place}.",
        ),
        (
            "First subtract the {buffer} minutes of margin.",
            "Take away {buffer} minutes, so that {person} is there with time in hand.",
            "Subtract the extra {buffer} minutes.",
        ),
        (
            "Then subtract the {travel} minutes of travel.",
            "After that subtract the {travel} minutes on the way.",
            "Finally take away the {travel} minutes that the way takes.",
        ),
    ),
    steps=(
        Step(
            "from the appointment",
            (
                r"\d:\d\d|\d ?[AP]M|backward|\bback from|appointment|\bbefore (?:two|noon|she is due)",
                rf"(?=(?:{SUBTRACT}).{{0,60}}from (?:the |her )?(?:\d|appointment|arrival|due))",
                r"(?=[^\n]*minutes (?:\+|before))",
                rf"(?=\badd.{{0,80}}(?:{WAY}|{MARGIN}|minutes))",
            ),
        ),
        Step(
            "one of margin and way",
            (
                *near(rf"(?:{SUBTRACT})(?!.{{0,30}}from (?:the )?\d+ min)", rf"minute|{WAY}|{MARGIN}"),
                *near(rf"\badd.{{0,40}}(?:{WAY})", MARGIN),
                *near(rf"\badd.{{0,40}}(?:{MARGIN})", WAY),
                r"minutes (?:before|earlier)",
                r"\d+ minutes \+ \d+",
                r"\badd.{0,20}\d+ minutes.{0,30}\d+ minutes(?=[^\n]*(?:total|sum|together|altogether))",
            ),
        ),
        Step(
            "the other",
            near(
                rf"{SUBTRACT}| - |go(?:ing)? back|count(?:ing)? back|earlier",
                rf"minute|{WAY}|{MARGIN}|total|sum|both|that",
            ),
        ),
    ),
    published_keywords=("subtract", "minutes", "back", "travel"),
    routes=(
        (
            Step(
                "way and margin together",
                (*near(rf"\badd[^.\n]{{0,40}}(?:{WAY})", MARGIN), *near(rf"\badd[^.\n]{{0,40}}(?:{MARGIN})", WAY)),
            ),
            Step(
                "that long before",
                (r"\b(?:that|this|so) (?:long|much|many minutes|much time) (?:before|earlier|ahead)",),
            ),
        ),
    ),
)
