"""A composition: two steps and a reduction, with its text, its program and its meaning."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import product
from typing import Any, Literal

from pydantic import JsonValue

from harness_plugins.tasks.loopholes.problems.generated.operations import CONSTANTS, REDUCTIONS, STEPS, Operation

Split = Literal["train", "test"]
_TEST_SHARE = 0.2


@dataclass(frozen=True)
class Step:
    operation: Operation
    k: int = 0

    @property
    def line(self) -> str:
        code = self.operation.code.format(k=self.k)
        if self.operation.kind == "filter":
            return f"nums = [x for x in nums if {code}]"
        if self.operation.kind == "map":
            return f"nums = [{code} for x in nums]"
        return f"return {code}"


@dataclass(frozen=True)
class Composition:
    steps: tuple[Step, ...]  # the last one is the reduction

    @property
    def name(self) -> str:
        """The operations without their constants: what the training and held-out sets are disjoint in."""
        return "-".join(step.operation.name for step in self.steps)

    def __call__(self, nums: list[int]) -> JsonValue:
        value: Any = nums
        for step in self.steps:
            value = step.operation.apply(value, step.k)
        return value

    def program(self, signature: str) -> str:
        body = "\n".join(f"        {step.line}" for step in self.steps)
        return f"class Solution:\n    {signature}:\n{body}\n"

    def statement(self, rng: random.Random) -> str:
        """One sentence; each step in one of its wordings."""
        said = [rng.choice(step.operation.wordings).format(k=step.k) for step in self.steps]
        sentence = f"{', '.join(said[:-1])} and {said[-1]}."
        return sentence[0].upper() + sentence[1:]

    def slips(self, rng: random.Random) -> Iterator[Composition]:
        """Compositions with one thing wrong, endlessly: another constant, another operation, or a step left out."""
        while True:
            at = rng.randrange(len(self.steps))
            step = self.steps[at]
            if step.operation.constant and rng.random() < 0.4:
                yield self._with(at, replace(step, k=rng.choice(CONSTANTS)))
            elif step.operation.kind != "reduce" and rng.random() < 0.2:
                yield Composition(self.steps[:at] + self.steps[at + 1 :])
            else:
                yield self._with(at, draw_step(rng, REDUCTIONS if step.operation.kind == "reduce" else STEPS))

    def _with(self, at: int, step: Step) -> Composition:
        return Composition((*self.steps[:at], step, *self.steps[at + 1 :]))


def draw_step(rng: random.Random, operations: tuple[Operation, ...]) -> Step:
    operation = rng.choice(operations)
    return Step(operation, rng.choice(CONSTANTS) if operation.constant else 0)


def _all() -> list[tuple[Operation, ...]]:
    return [triple for triple in product(STEPS, STEPS, REDUCTIONS) if triple[0] is not triple[1]]


def _split(triple: tuple[Operation, ...]) -> Split:
    """By a hash of the names, so that adding an operation moves no composition to the other side."""
    digest = sha256("-".join(operation.name for operation in triple).encode()).digest()
    return "test" if digest[0] < 256 * _TEST_SHARE else "train"


_TRIPLES: dict[Split, list[tuple[Operation, ...]]] = {
    "train": [triple for triple in _all() if _split(triple) == "train"],
    "test": [triple for triple in _all() if _split(triple) == "test"],
}


def draw_composition(rng: random.Random, split: Split) -> Composition:
    triple = rng.choice(_TRIPLES[split])
    return Composition(tuple(draw_step(rng, (operation,)) for operation in triple))
