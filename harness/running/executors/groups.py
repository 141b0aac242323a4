"""Cells that sample the same weights go to one worker together, which makes and loads them once."""

from __future__ import annotations

from collections.abc import Iterable

from harness.planning.cells import Cell


def groups(cells: Iterable[Cell]) -> list[list[Cell]]:
    """In the plan's order of first appearance."""
    found: dict[str, list[Cell]] = {}
    for cell in cells:
        found.setdefault(cell.weights_key, []).append(cell)
    return list(found.values())
