"""Texts with turns. "[1:adds|takes off] {percent}% …" has a first turn with two alternatives; a cell says which one to take.

A turn may appear in several places. "[12:a|b|c|d]" depends on the first and the second turn together, the first one slower.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import product
from string import Formatter

TURN = re.compile(r"\[(\d+):([^\[\]]*)\]")

Cell = tuple[int, ...]  # the alternative taken at each turn


def cells(shape: tuple[int, ...]) -> list[Cell]:
    """Every combination of alternatives; (0, 0, …) first, the last turn fastest."""
    return list(product(*map(range, shape)))


def render(template: str, cell: Cell, shape: tuple[int, ...], values: Mapping[str, object]) -> str:
    """The text of one cell. ValueError when a turn does not have the alternatives that `shape` says."""
    return _turned(template, cell, shape).format(**values)


def fields(template: str, cell: Cell, shape: tuple[int, ...]) -> list[str]:
    """The values that the text of one cell names, each once, in its order."""
    parts = Formatter().parse(_turned(template, cell, shape))
    return list(dict.fromkeys(name for _, name, _, _ in parts if name))


def _turned(template: str, cell: Cell, shape: tuple[int, ...]) -> str:

    def choose(match: re.Match[str]) -> str:
        index, expected = 0, 1
        for turn in (int(digit) - 1 for digit in match[1]):
            index, expected = index * shape[turn] + cell[turn], expected * shape[turn]
        alternatives = match[2].split("|")
        if len(alternatives) != expected:
            raise ValueError(f"{match[0]} has {len(alternatives)} alternatives, its turns have {expected}")
        return alternatives[index]

    return TURN.sub(choose, template)
