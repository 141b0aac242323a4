"""From one clock time to another, in minutes."""

from __future__ import annotations

from random import Random

from harness_plugins.tasks.goodhart.families.base import Family, Params, Step, integers, near
from harness_plugins.tasks.goodhart.families.text import clock, count
from harness_plugins.tasks.goodhart.families.verbs import SUBTRACT


def draw(rng: Random) -> Params:
    start = 60 * rng.randint(7, 18) + 5 * rng.randint(0, 11)
    return {"start": start, "end": start + 5 * rng.randint(13, 60)}


def facts(params: Params) -> dict[str, int | str]:
    start, end = integers(params, "start", "end")
    return {"start": clock(start), "end": clock(end)}


def answer(params: Params) -> str:
    start, end = integers(params, "start", "end")
    return str(end - start)


def working(params: Params) -> tuple[str, ...]:
    start, end = integers(params, "start", "end")
    hours, rest = divmod(end - start, 60)
    near_end = start + 60 * hours
    return (
        f"From {clock(start)} to {clock(near_end)} is {count(hours, 'hour')}, {60 * hours} minutes.",
        f"From {clock(near_end)} to {clock(end)} is {rest} minutes.",
        f"{60 * hours}+{rest}={end - start}.",
    )


FAMILY = Family(
    name="elapsed_time",
    category="time",
    kind="number",
    unit="minutes",
    answer_format="the number of minutes",
    canonical={"start": 9 * 60 + 40, "end": 12 * 60 + 15},
    draw=draw,
    answer=answer,
    working=working,
    facts=facts,
    cores=(
        "The {trip} leaves at {start} and arrives at {end}. How many minutes does it take?",
        "{person} gets on the {trip} at {start} and gets off at {end}. How many minutes is she on board?",
        "Departure of the {trip}: {start}. Arrival: {end}. What is the travel time in minutes?",
        "{person} sets out on the {trip} at {start}. It is {end} when she is there. How long is that in minutes?",
        "According to the timetable the {trip} starts at {start} and reaches its goal at {end}. How many minutes lie "
        "between?",
        "At {start} {person} boards the {trip}; at {end} it pulls in. How many minutes have passed?",
    ),
    casts=(
        {"person": "Mia", "trip": "train"},
        {"person": "Nora", "trip": "ferry"},
        {"person": "Olga", "trip": "bus"},
        {"person": "Petra", "trip": "plane"},
        {"person": "Rosa", "trip": "coach"},
        {"person": "Sara", "trip": "tram"},
    ),
    method=(
        (
            "First count the full hours from {start} towards {end}.",
            "Start at {start} and count how many whole hours fit before {end}.",
            "Find the whole hours between {start} and {end}.",
        ),
        (
            "Multiply these hours by 60 to have minutes.",
            "Convert the hours to minutes, 60 each.",
            "Then turn the hours into minutes by multiplying with 60.",
        ),
        (
            "Finally add the minutes that are left up to {end}.",
            "Last, add the remaining minutes until {end}.",
            "Then count the rest of the minutes and add them.",
        ),
    ),
    steps=(
        Step(
            "the hours between",
            (
                *near(r"count|\bfind|calculat|determin|whole|\bfull|subtract|differen|\bfrom|between", r"hours"),
                r"(?:both|each|the) times? (?:in)?to minutes",
                r"convert.{0,40}(?:to|into) minutes(?=[\s\S]*(?:differen|subtract))",
                r"minutes (?:since|after|past) midnight",
            ),
        ),
        Step("hours as minutes", (r"\b60\b|sixty|\b120\b", *near(r"convert|turn|chang", r"minutes"))),
        Step(
            "add the minutes left",
            near(
                r"\badd|plus|\+|subtract|differen|\bsum\b|\btotal", r"minute|them|rest|remain|time|two|numbers|results"
            ),
        ),
    ),
    routes=(
        (
            Step("both as minutes of the day", (r"minutes (?:since|after|past|from) midnight",)),
            Step(
                "their difference", near(rf"{SUBTRACT}|minus", r"earlier|later|start|smaller|other|two|them|first|one")
            ),
        ),
    ),
    published_keywords=("hours", "60", "minutes", "add"),
)
