"""plan.json as text: a cell is a line, and what several cells share (a model, a suite, an arm) stands once, in `parts`:
less than 0.9 KB a cell instead of 2.9."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

Cells = Iterable[Mapping[str, Any]]


def plan_text(experiment: BaseModel, cells: Iterable[BaseModel], shared: Iterable[str], rest: Mapping[str, Any]) -> str:
    """`shared`: names of fields of which a cell's line holds the number in `parts`; `rest`: the plan's further fields."""
    parts = {name: _Parts() for name in shared}
    own = set(parts)
    lines = [
        cell.model_dump(mode="json", exclude=own) | {name: of.number(getattr(cell, name)) for name, of in parts.items()}
        for cell in cells
    ]
    fields = {
        "experiment": _line(experiment.model_dump(mode="json")),
        "parts": _lines({name: of.values for name, of in parts.items()}),
        "cells": _lines(lines),
        **{name: _lines(value) for name, value in rest.items()},
    }
    return "{" + ",\n".join(f"{_line(name)}: {text}" for name, text in fields.items()) + "}\n"


def whole_cells(plan: dict[str, Any]) -> dict[str, Any]:
    """A plan as it was read, each cell with its parts; one of a former version as it is. Raises ValueError if damaged."""
    if "parts" not in plan:
        return plan
    try:
        parts = plan["parts"].items()
        cells = [{**cell, **{name: values[cell[name]] for name, values in parts}} for cell in plan["cells"]]
    except (AttributeError, KeyError, IndexError, TypeError):
        raise ValueError("its cells and its parts do not fit") from None
    return {name: value for name, value in plan.items() if name != "parts"} | {"cells": cells}


class _Parts:
    """Different values in order of first appearance."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._seen: dict[int, int] = {}  # the same object again, which is the rule
        self._known: dict[str, int] = {}  # an equal one
        self._alive: list[Any] = []  # whose ids are taken

    def number(self, value: Any) -> int:
        if id(value) not in self._seen:
            plain = _plain(value)
            text = json.dumps(plain, sort_keys=True)
            if text not in self._known:
                self._known[text] = len(self.values)
                self.values.append(plain)
            self._seen[id(value)] = self._known[text]
            self._alive.append(value)
        return self._seen[id(value)]


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


def _lines(value: Any) -> str:
    """A line for each thing in it."""
    if isinstance(value, Mapping):
        inside = [
            f"{_line(name)}: {_lines(one) if isinstance(one, list) else _line(one)}" for name, one in value.items()
        ]
        return "{\n" + ",\n".join(inside) + "}" if inside else "{}"
    return "[\n" + ",\n".join(map(_line, value)) + "]" if value else "[]"


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
