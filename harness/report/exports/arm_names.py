"""What an arm and its files are called outside the harness, where a model is all there is."""

from __future__ import annotations

import re

from harness.planning.cells import Cell, Plan

ODD = re.compile(r"[\"<>:/|\\?*\[\]\s]+")  # what lm-eval, too, keeps out of names of files


def arm_name(cell: Cell) -> str:
    """ "pocket@seed42", "pocket+erase+ultra3@seed42": the model as another tool would call it."""
    parts = [part.label for part in (cell.trainer, cell.compressor) if not part.untouched]
    return "+".join([cell.model.name.rstrip("/").rpartition("/")[2] or cell.model.name, *parts]) + f"@seed{cell.seed}"


def arms_of(plan: Plan) -> dict[str, list[Cell]]:
    """The cells of each arm, one a suite, by its name."""
    arms: dict[str, list[Cell]] = {}
    for cell in plan.cells:
        arms.setdefault(arm_name(cell), []).append(cell)
    return arms


def file_name(name: str) -> str:
    return ODD.sub("__", name)
