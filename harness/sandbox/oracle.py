"""The comparison of the oracle: in the parent, on values that have crossed a process boundary as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from pydantic import Field, JsonValue, model_validator

from harness.contract.records import Record
from harness.contract.sandbox import Values

TOLERANCE = 1e-5
_WORDS: dict[str, dict[str, Any]] = {
    "exact": {},
    "float": {"absolute": TOLERANCE, "relative": TOLERANCE},
    "unordered": {"unordered": 1},
    "any-of": {"any_of": True},
    "bool-is-int": {"bool_is_int": True},
}


class Comparison(Record):
    """How a problem's answers are compared with the expected ones.

    Written as a word ("exact", "float", "unordered", "any-of", "bool-is-int"), as a list of such words, or as the
    fields below. Whatever is declared: a list is a tuple (they are one in JSON), an integral float is its integer, 0
    and 1 stand for a bool where one is expected, True stands for no 1, and NaN equals nothing. Nested values are
    compared alike.
    """

    absolute: float = Field(default=0.0, ge=0, allow_inf_nan=False)  # a float is right within the larger of the two …
    relative: float = Field(default=0.0, ge=0, allow_inf_nan=False)  # … tolerances; this one is of the expected value
    unordered: int = Field(default=0, ge=0)  # so many outer levels of lists come in any order
    any_of: bool = False  # the expected value is a list of right answers
    bool_is_int: bool = False  # True is 1 and False is 0 where a number is expected

    @model_validator(mode="before")
    @classmethod
    def _from_words(cls, given: Any) -> Any:
        words = [given] if isinstance(given, str) else given
        if not isinstance(words, list):
            return given
        fields: dict[str, Any] = {}
        for word in words:
            if not isinstance(word, str) or word not in _WORDS:
                raise ValueError(f"{word!r} is no comparison; one of: {', '.join(_WORDS)}")
            fields |= _WORDS[word]
        return fields


EXACT = Comparison()


def same(value: JsonValue, expected: JsonValue, comparison: Comparison = EXACT) -> bool:
    """Is the program's value a right answer? Never raises on a value, whatever its nesting within the sandbox's bound."""
    if comparison.any_of:
        return isinstance(expected, list) and any(
            _same(value, one, comparison, comparison.unordered) for one in expected
        )
    return _same(value, expected, comparison, comparison.unordered)


def passes(values: Values, expected: Sequence[JsonValue], comparison: Comparison = EXACT) -> bool:
    """True iff the program answered every input, in time, with a right answer. No inputs at all prove nothing."""
    if values.timed_out or values.error is not None or not expected or len(values.values) != len(expected):
        return False
    return all(same(value, right, comparison) for value, right in zip(values.values, expected, strict=True))


def _same(value: JsonValue, expected: JsonValue, comparison: Comparison, unordered: int) -> bool:
    if isinstance(expected, bool):
        return isinstance(value, bool | int | float) and value == expected
    if isinstance(expected, int | float):
        return _same_number(value, expected, comparison)
    if isinstance(expected, list):
        if not isinstance(value, list) or len(value) != len(expected):
            return False
        if unordered:
            return _matched(value, expected, comparison, unordered - 1)
        return all(_same(one, other, comparison, 0) for one, other in zip(value, expected, strict=True))
    if isinstance(expected, dict):
        return (
            isinstance(value, dict)
            and value.keys() == expected.keys()
            and all(_same(value[key], expected[key], comparison, unordered) for key in expected)
        )
    return type(value) is type(expected) and value == expected


def _same_number(value: JsonValue, expected: float, comparison: Comparison) -> bool:
    if isinstance(value, bool) and not comparison.bool_is_int:
        return False
    if not isinstance(value, int | float):
        return False
    if value == expected:
        return True
    if isinstance(expected, int) and (isinstance(value, int) or value.is_integer()):
        return False  # the tolerance is for rounding: a wrong whole number is wrong
    try:
        distance, allowed = abs(value - expected), max(comparison.absolute, comparison.relative * abs(expected))
        return allowed > 0 and distance <= allowed and math.isfinite(distance)
    except OverflowError:  # an integer beyond any float
        return False


def _matched(
    values: Sequence[JsonValue], expected: Sequence[JsonValue], comparison: Comparison, unordered: int
) -> bool:
    """Is there a pairing of equally many values and expected ones in which each value is right? (Augmenting paths.)"""
    right_of: dict[int, int] = {}  # value -> its expected one, by index
    value_of: dict[int, int] = {}
    alike: dict[str, list[int]] = {}
    for at, one in enumerate(expected):
        if text := _text(one):
            alike.setdefault(text, []).append(at)
    for at, one in enumerate(values):
        if indices := alike.get(_text(one)):
            right_of[at] = indices.pop()
            value_of[right_of[at]] = at
    for first in range(len(values)):
        if first not in right_of and not _augmented(first, values, expected, right_of, value_of, comparison, unordered):
            return False
    return True


def _augmented(
    first: int,
    values: Sequence[JsonValue],
    expected: Sequence[JsonValue],
    right_of: dict[int, int],
    value_of: dict[int, int],
    comparison: Comparison,
    unordered: int,
) -> bool:
    """Pair one more value, moving others to another partner of theirs where that is needed."""
    reached_from: dict[int, int] = {}
    queue = [first]
    for at in queue:
        for to, one in enumerate(expected):
            if to in reached_from or not _same(values[at], one, comparison, unordered):
                continue
            reached_from[to] = at
            if to in value_of:
                queue.append(value_of[to])
                continue
            while True:
                owner = reached_from[to]
                left = right_of.get(owner)
                right_of[owner], value_of[to] = to, owner
                if left is None:
                    return True
                to = left
    return False


def _text(value: JsonValue) -> str:
    """Equal texts are the same value. The converse is left to the search: 2.0 is 2, and NaN (here "") is nothing."""
    try:
        return json.dumps(value, sort_keys=True, allow_nan=False)
    except ValueError:
        return ""
