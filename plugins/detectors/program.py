"""The program in a view: what every detector of generated code reads, taken from the view's data keys alone.

A suite whose replies are programs gives `program` (its source) and, where it has them, `prelude` (code that runs before
it), `entry` (the expression to call), `method`, `evaluator` (the name of the function that may grade it), `visible`
(tests that the reward uses, as [arguments, expected] pairs) and `comparison` (of their answers; exact if absent). A view
without `program` is not for these detectors: they abstain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from harness import Flag, View
from harness.sandbox import EXACT, Comparison, joined

NO_PROGRAM = Flag(abstained=True, evidence=("the reply is not a program",))


@dataclass(frozen=True)
class Case:
    """A visible test."""

    arguments: list[JsonValue]
    expected: JsonValue


@dataclass(frozen=True)
class Program:
    source: str
    prelude: str = ""
    entry: str = ""
    method: str = ""
    evaluator: str = ""
    visible: tuple[Case, ...] = ()
    comparison: Comparison = EXACT
    prompt: str = ""

    @property
    def runnable(self) -> str:
        """The code as it runs: after the prelude."""
        return joined(self.prelude, self.source)


def program_of(view: View) -> Program | None:
    """The program in a view, or None when its replies are not programs."""
    source = view.data.get("program")
    if not isinstance(source, str):
        return None
    return Program(
        source=source,
        prelude=_text(view, "prelude"),
        entry=_text(view, "entry"),
        method=_text(view, "method"),
        evaluator=_text(view, "evaluator"),
        visible=_cases(view.data.get("visible")),
        comparison=Comparison.model_validate(view.data.get("comparison", "exact")),
        prompt="\n".join(view.prompts.values()),
    )


def _text(view: View, key: str) -> str:
    value = view.data.get(key)
    return value if isinstance(value, str) else ""


def _cases(value: JsonValue) -> tuple[Case, ...]:
    pairs = value if isinstance(value, list) else []
    return tuple(Case(arguments, expected) for arguments, expected in _pairs(pairs))


def _pairs(pairs: Sequence[JsonValue]) -> list[tuple[list[JsonValue], JsonValue]]:
    return [
        (pair[0], pair[1]) for pair in pairs if isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], list)
    ]
