"""A plan in parts, for machines that share nothing: which cells a shard has follows from the plan alone."""

from __future__ import annotations

import re
from typing import NamedTuple

from harness.errors import UsageError
from harness.planning.cells import Cell, Plan

MAKING = 500  # texts: to make weights takes about as long as to ask so many, roughly


class Shard(NamedTuple):
    """Part `number` (from 1) of `of`."""

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
        if not found or not 1 <= int(found[1]) <= int(found[2]):
            raise UsageError(f"no shard {text!r}", "--shard i/n with i from 1 to n, e.g. --shard 2/3")
        return cls(int(found[1]), int(found[2]))

    def cells(self, plan: Plan) -> tuple[Cell, ...]:
        """Its cells, in the plan's order; none where there are more shards than work.

        The heaviest group goes to the lightest shard (longest processing time first, Graham 1969), so that no shard
        has more than 4/3 of what the best division gives.
        """
        groups = _groups(plan)
        load = [0] * self.of
        mine: set[str] = set()
        for group in sorted(groups, key=_work, reverse=True):  # a stable sort: ties in the plan's order
            lightest = load.index(min(load))
            load[lightest] += _work(group)
            if lightest == self.number - 1:
                mine.update(cell.id for cell in group)
        return tuple(cell for cell in plan.cells if cell.id in mine)


def _groups(plan: Plan) -> list[list[Cell]]:
    """Cells that have weights to make in common, which are made once; a cell of untouched weights is one by itself."""
    groups: dict[str, list[Cell]] = {}
    for cell in plan.cells:
        groups.setdefault(cell.training_key or cell.compressed_key or cell.id, []).append(cell)
    return list(groups.values())


def _work(group: list[Cell]) -> int:
    """In texts to ask."""
    makings = {key for cell in group for key in (cell.training_key, cell.compressed_key) if key}
    return sum(cell.generations + cell.scored for cell in group) + MAKING * len(makings)
