"""A template of goals: its wordings, a command that does it, slips that do not, and what the result should be."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

from harness_plugins.tasks.inversion.tree import Tree

Values = dict[str, str]
Form = Literal["lines", "set", "count"]
Split = Literal["train", "test"]
TEST_SHARE = 0.3


@dataclass(frozen=True)
class Template:
    """Wordings, command and slips have the names of `values` in braces. `meaning` computes the expected lines from a tree,
    by another way than the command; None where a command is not executed but held against the reference's grammar."""

    name: str
    tool: str
    wordings: tuple[str, ...]
    command: str
    slips: tuple[str, ...]
    values: dict[str, tuple[str, ...]]
    meaning: Callable[[Tree, Values], Sequence[object]] | None = None
    form: Form = "lines"

    def draws(self, split: Split) -> list[Values]:
        """All values of a split, in random order, the same each time. No values are in both splits, and neither is empty."""
        names = list(self.values)
        found = [dict(zip(names, each, strict=True)) for each in product(*self.values.values())]
        random.Random(f"inversion:{self.name}").shuffle(found)
        held_back = max(1, round(TEST_SHARE * len(found)))
        return found[:held_back] if split == "test" else found[held_back:]


@dataclass(frozen=True)
class Goal:
    """A template with its values, in one of its wordings."""

    template: Template
    values: Values
    wording: int

    @property
    def tool(self) -> str:
        return self.template.tool

    @property
    def text(self) -> str:
        return fill(self.template.wordings[self.wording], self.values)

    @property
    def command(self) -> str:
        """The reference."""
        return fill(self.template.command, self.values)

    @property
    def slips(self) -> list[str]:
        return [fill(slip, self.values) for slip in self.template.slips]

    @property
    def executed(self) -> bool:
        return self.template.meaning is not None

    def expected(self, tree: Tree) -> list[str]:
        assert self.template.meaning is not None
        return [str(line) for line in self.template.meaning(tree, self.values)]

    def is_met(self, output: str, expected: list[str]) -> bool:
        """Whether an output is the expected one: its lines in order, as a set of paths, or a count with or without names."""
        lines = [line.rstrip() for line in output.splitlines()]
        if self.template.form == "set":
            return Counter(line.removeprefix("./").rstrip("/") for line in lines) == Counter(expected)
        if self.template.form == "count":
            fields = lines[0].split() if len(lines) == 1 else []
            return fields[:1] == expected and not any(field.isdigit() for field in fields[1:])
        return lines == [line.rstrip() for line in expected]


def fill(text: str, values: Values) -> str:
    """Braces that hold no value's name stay: awk has its own."""
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text
