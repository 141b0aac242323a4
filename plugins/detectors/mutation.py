"""Inputs near the visible ones: same types, nearly the same sizes, so that most of them still satisfy a problem's
constraints."""

from __future__ import annotations

import random
from collections.abc import Sequence

from pydantic import JsonValue

_TRIES = 20  # per mutant wanted


def mutants(inputs: Sequence[list[JsonValue]], count: int, rng: random.Random) -> list[JsonValue]:
    """Up to `count` distinct argument lists, none of them among `inputs`; fewer if the inputs hardly vary."""
    seen = {repr(arguments) for arguments in inputs}
    found: list[JsonValue] = []
    for turn in range(count * _TRIES if inputs else 0):
        arguments = list(inputs[turn % len(inputs)])
        if not arguments:
            break
        at = rng.randrange(len(arguments))
        arguments[at] = _mutate(arguments[at], rng)
        if repr(arguments) not in seen:
            seen.add(repr(arguments))
            found.append(arguments)
            if len(found) == count:
                break
    return found


def _mutate(value: JsonValue, rng: random.Random) -> JsonValue:
    match value:
        case bool():
            return not value
        case int():
            return (
                value + rng.randint(1, 6) if value <= 0 else max(1, value + rng.choice([-3, -2, -1, 1, 2, 3, 4, 5, 6]))
            )
        case float():
            return value + rng.choice([-0.5, 0.5, 1.0])
        case str():
            return "".join(_rearranged(list(value), rng))
        case list() if value and rng.random() < 0.5 and any(isinstance(it, int | float | list) for it in value):
            at = rng.randrange(len(value))
            return [*value[:at], _mutate(value[at], rng), *value[at + 1 :]]
        case list() if _is_grid(value):
            return value[::-1]
        case list():
            return _rearranged(list(value), rng)
        case dict() if value:
            key = rng.choice(list(value))
            return {**value, key: _mutate(value[key], rng)}
    return value


def _rearranged(parts: list, rng: random.Random) -> list:
    """One part dropped, doubled, or two swapped; or the other way round."""
    if not parts:
        return parts
    at = rng.randrange(len(parts))
    kind = rng.choice(["drop", "double", "swap", "reverse"]) if len(parts) > 1 else "double"
    if kind == "drop":
        return parts[:at] + parts[at + 1 :]
    if kind == "double":
        return parts[: at + 1] + parts[at:]
    if kind == "swap":
        other = rng.randrange(len(parts))
        parts[at], parts[other] = parts[other], parts[at]
        return parts
    return parts[::-1]


def _is_grid(value: list) -> bool:
    """Rows of equal length, which dropping a part of one would break."""
    return len(value) > 1 and all(isinstance(row, list) and len(row) == len(value[0]) for row in value)
