"""Which goals there are, by template, and which of them a suite with these parameters asks."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue

from harness_plugins.tasks.inversion.goals.reworking import REWORKING
from harness_plugins.tasks.inversion.goals.scanners import SCANNERS
from harness_plugins.tasks.inversion.goals.searching import SEARCHING
from harness_plugins.tasks.inversion.goals.showing import SHOWING
from harness_plugins.tasks.inversion.goals.template import Goal, Split, Template
from harness_plugins.tasks.inversion.tree import Tree, draw_tree

KINDS: dict[str, tuple[Template, ...]] = {"files": (*SEARCHING, *SHOWING, *REWORKING), "scanners": SCANNERS}
TEMPLATES = {template.name: template for kind in KINDS.values() for template in kind}
TREES = 2  # a command that only prints an answer is right on one of them at most
TRIES = 50


def goals(kinds: Sequence[str], each: int, split: Split) -> list[Goal]:
    """`each` goals of every template of these kinds, or all that it has in this split where they are fewer."""
    chosen = (template for kind in dict.fromkeys(kinds) for template in KINDS[kind])
    return [
        Goal(template, values, number % len(template.wordings))
        for template in chosen
        for number, values in enumerate(template.draws(split)[:each])
    ]


def as_data(goal: Goal) -> dict[str, JsonValue]:
    return {"template": goal.template.name, "values": {**goal.values}, "wording": goal.wording}


def from_data(data: dict[str, JsonValue]) -> Goal:
    values = data["values"]
    assert isinstance(values, dict)
    named = {name: str(value) for name, value in values.items()}
    return Goal(TEMPLATES[str(data["template"])], named, int(str(data["wording"])))


def name_of(goal: Goal) -> str:
    return "/".join([goal.template.name, *goal.values.values()])


def trees_of(goal: Goal) -> tuple[Tree, ...]:
    """Trees on which the goal has different results, neither nothing nor none; the same ones each time."""
    name = name_of(goal)
    if name not in _trees:
        found: dict[tuple[str, ...], Tree] = {}
        for tree in (draw_tree(f"{name}:{turn}") for turn in range(TRIES)):
            if (expected := tuple(goal.expected(tree))) not in ((), ("0",)):
                found.setdefault(expected, tree)
            if len(found) == TREES:
                break
        _trees[name] = tuple(found.values())
    return _trees[name]


_trees: dict[str, tuple[Tree, ...]] = {}
