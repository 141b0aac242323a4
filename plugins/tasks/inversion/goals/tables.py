"""Columns of a tree's tables, whose rows are name, city and two numbers."""

from __future__ import annotations

from harness_plugins.tasks.inversion.goals.template import Values
from harness_plugins.tasks.inversion.tree import Tree

NUMBERS = ("3", "4")  # columns that hold numbers


def column(tree: Tree, values: Values) -> list[str]:
    return [line.split(",")[int(values["n"]) - 1] for line in tree.lines(values["table"])]


def numbers(tree: Tree, values: Values) -> list[int]:
    return [int(value) for value in column(tree, values)]


def rows_by_number(tree: Tree, values: Values, descending: bool = False) -> list[str]:
    pairs = sorted(zip(numbers(tree, values), tree.lines(values["table"]), strict=True), reverse=descending)
    return [line for _, line in pairs]
