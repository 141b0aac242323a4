"""Cells that sample the same weights go to one worker together, which makes and loads them once."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from harness.planning.cells import Cell


def groups(cells: Iterable[Cell]) -> list[list[Cell]]:
    """In the plan's order of first appearance."""
    return list(_by(cells, lambda cell: cell.weights_key).values())


def bundles(cells: Iterable[Cell], workers: int) -> list[list[Cell]]:
    """Groups; those whose weights are put together of the same parts make one bundle for each worker, which swaps them in place
    instead of loading them anew."""
    found: list[list[Cell]] = []
    for parts, members in _by(cells, lambda cell: cell.parts or cell.weights_key).items():
        own = groups(members)
        if members[0].parts != parts:
            found += own
            continue
        shares = [own[start::workers] for start in range(min(workers, len(own)))]
        found += [[cell for group in share for cell in group] for share in shares]
    return found


def _by(cells: Iterable[Cell], key: Callable[[Cell], str]) -> dict[str, list[Cell]]:
    found: dict[str, list[Cell]] = {}
    for cell in cells:
        found.setdefault(key(cell), []).append(cell)
    return found
