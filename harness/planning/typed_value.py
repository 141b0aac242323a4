"""A value as it is typed behind an equals sign."""

from __future__ import annotations

import json
import tomllib

from pydantic import JsonValue

from harness.errors import UsageError


def typed_value(text: str) -> JsonValue:
    """TOML where it parses as a value that JSON has, too, else the plain string. Raises UsageError for NaN and infinity."""
    try:
        table = tomllib.loads(f"value = {text}")
        json.dumps(table, allow_nan=False)
    except (tomllib.TOMLDecodeError, RecursionError, TypeError):  # TypeError: a date
        return text
    except ValueError:
        raise UsageError(
            f"{text.strip()!r} is no finite number", "write a number, or quote it to mean the word"
        ) from None
    return table["value"] if len(table) == 1 else text  # more lines are a text
