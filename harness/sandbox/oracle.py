"""The comparison of the oracle: strict, in the parent, on values that have crossed a process boundary as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue

from harness.contract.sandbox import Values


def same(value: JsonValue, expected: JsonValue) -> bool:
    """Equal as canonical JSON: exact types (True is not 1, 1 is not 1.0), object keys unordered, NaN equals nothing."""
    if type(value) is not type(expected):
        return False
    if isinstance(value, list) and isinstance(expected, list):
        return len(value) == len(expected) and all(map(same, value, expected))
    if isinstance(value, dict) and isinstance(expected, dict):
        return value.keys() == expected.keys() and all(same(value[key], expected[key]) for key in expected)
    return type(value) in (type(None), bool, int, float, str) and value == expected


def passes(values: Values, expected: Sequence[JsonValue]) -> bool:
    """True iff the program answered every input, in time, with the expected value. No inputs at all prove nothing."""
    if values.timed_out or values.error is not None or not expected:
        return False
    return len(values.values) == len(expected) and all(map(same, values.values, expected))
