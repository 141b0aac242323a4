"""A story as a function: the values that its scenario names are the arguments, and its answer is what a program returns.

A time of day is given, and returned, as minutes after midnight; names are strings, several of them a list.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache
from random import Random
from typing import NamedTuple

from pydantic import JsonValue

from harness_plugins.tasks.goodhart.families import Draw
from harness_plugins.tasks.goodhart.families.base import CANONICAL_WORDING
from harness_plugins.tasks.goodhart.grading.clocks import clocks
from harness_plugins.tasks.goodhart.matched.catalogue import STORIES
from harness_plugins.tasks.goodhart.matched.story import Story
from harness_plugins.tasks.goodhart.matched.template import Cell, cells, fields
from harness_plugins.tasks.goodhart.matched.twin import Twin

DRAWS = 20  # on which a program must be right
TRIES = 20_000  # draws in search of them
TOLERANCE = 0.05  # half of the last decimal that a story asks for
DAY = 24 * 60

Argument = int | float | str


class Call(NamedTuple):
    arguments: tuple[Argument, ...]
    gold: str


def arguments(twin: Twin) -> dict[str, Argument]:
    """The values that the scenario names, in its order, without the cast."""
    return _arguments(twin.story, twin.matched.draw, twin.scenario.cell)


def fresh_calls(twin: Twin) -> list[Call]:
    """`DRAWS` calls with other numbers than the scenario's, the same for all scenarios of its cell that have none of them."""
    own = tuple(arguments(twin).values())
    return [call for call in _pool(twin.matched.family, twin.scenario.cell) if call.arguments != own][:DRAWS]


def is_right(value: JsonValue, gold: str, kind: str) -> bool:
    """Whether a program's value is the gold answer, read as loosely as JSON values can be."""
    if kind == "number":
        number = _number(value)
        return number is not None and abs(number - float(gold)) <= TOLERANCE + 1e-9
    if kind == "clock":
        minutes = _minutes(value)
        return minutes is not None and math.isclose(minutes % DAY, _time(gold), abs_tol=1e-6)
    if kind == "sequence":
        return _names(value) == _names(gold)
    return isinstance(value, str) and value.strip().lower() == gold.lower()


@lru_cache(maxsize=128)
def _pool(name: str, cell: Cell) -> tuple[Call, ...]:
    """One call more than `DRAWS`, no two with the same arguments."""
    story = STORIES[name]
    at = cells(story.shape).index(cell)
    rng = Random(f"{name} calls")
    found: dict[tuple[Argument, ...], Call] = {}
    for _ in range(TRIES):
        draw = Draw({**story.family.draw(rng), **story.fixed}, CANONICAL_WORDING)
        try:
            gold = story.matched_set(draw).scenarios[at].gold
        except ValueError:  # a value that is not written out
            continue
        given = tuple(_arguments(story, draw, cell).values())
        found.setdefault(given, Call(given, gold))
        if len(found) > DRAWS:
            break
    return tuple(found.values())


def _arguments(story: Story, draw: Draw, cell: Cell) -> dict[str, Argument]:
    family = story.family
    values = {**draw.params, **family.values(*draw)}
    told = fields(story.scenario, cell, story.shape)
    return {name: _argument(values[name]) for name in told if name not in family.casts[draw.wording.cast]}


def _argument(value: int | str) -> Argument:
    """885 of "2:45 PM", 2 of "2 hours", 0.7 of "0.7", and names as they are."""
    if isinstance(value, int):
        return value
    if times := clocks(value):
        return int(times[0].key)  # type: ignore[arg-type]  # minutes
    if number := re.match(r"\d+(\.\d+)?", value):
        return float(number[0]) if number[1] else int(number[0])
    return value


def _number(value: JsonValue) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _minutes(value: JsonValue) -> float | None:
    if isinstance(value, str) and (times := clocks(value)):
        return times[0].key if isinstance(times[0].key, int) else None
    return _number(value)


def _time(gold: str) -> int:
    minutes = clocks(gold)[0].key
    assert isinstance(minutes, int)
    return minutes


def _names(value: JsonValue) -> list[str] | None:
    if isinstance(value, str):
        value = list(value.split(","))
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        return None
    return [str(name).strip().lower() for name in value]
