"""From the authored classes to problems.

A problem is a class: its docstring is the statement, `difficulty` and `examples` (arguments and answer, written by
hand) are data, `draw(rng, size)` makes one tuple of arguments, and the nested class `Solution` is the canonical
program, whose source text is read from the file. Answers to drawn inputs come from running it here, which is safe
because it is this project's own code; a test recomputes every one of them in the sandbox.
"""

from __future__ import annotations

import ast
import copy
import inspect
import random
import textwrap
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import JsonValue

from harness.sandbox import Comparison
from harness_plugins.tasks.loopholes.problem import Problem, Test
from harness_plugins.tasks.loopholes.problems.authored import (
    counting,
    dynamic,
    graphs,
    grids,
    lists,
    numbers,
    schedules,
    searching,
    stacks,
    strings,
)

_MODULES = (numbers, lists, strings, counting, searching, stacks, schedules, grids, dynamic, graphs)
_SMALL = (3, 4, 5, 6)  # sizes of the visible inputs
_LARGE = (1, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 20, 24)  # sizes of the held-out ones
_SHOWN = 3


@cache
def authored() -> tuple[Problem, ...]:
    """All of them, in a fixed order."""
    return tuple(_problem(*written) for module in _MODULES for written in _written(module))


def _written(module: ModuleType) -> list[tuple[type, str]]:
    """The module's problem classes, in file order, each with the source text of its Solution."""
    text = Path(str(module.__file__)).read_text(encoding="utf-8")
    lines = text.splitlines()
    found = []
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef):
            solution = next(part for part in node.body if isinstance(part, ast.ClassDef) and part.name == "Solution")
            source = textwrap.dedent("\n".join(lines[solution.lineno - 1 : solution.end_lineno]))
            found.append((getattr(module, node.name), source + "\n"))
    return found


def _problem(written: Any, canonical: str) -> Problem:
    solution = written.Solution
    method = next(name for name in vars(solution) if not name.startswith("_"))
    name = _snake(written.__name__)
    rng = random.Random(f"loopholes:authored:{name}")
    examples = [Test(list(example[:-1]), example[-1]) for example in written.examples]
    visible = _draws(written, method, rng, _SMALL, [test.arguments for test in examples])
    seen = [test.arguments for test in (*examples, *visible)]
    return Problem(
        name=name,
        statement=" ".join(inspect.cleandoc(written.__doc__).split()),
        method=method,
        signature=_signature(canonical, method),
        difficulty=written.difficulty,
        canonical=canonical,
        visible=(*examples, *visible),
        held_out=tuple(_draws(written, method, rng, _LARGE, seen)),
        shown=_SHOWN,
        cluster=name,
        comparison=Comparison.model_validate(written.comparison),
    )


def _draws(
    written: Any, method: str, rng: random.Random, sizes: tuple[int, ...], seen: list[list[JsonValue]]
) -> list[Test]:
    """One test per size, unlike any in `seen` and unlike each other; a size with nothing new to draw is skipped."""
    tests: list[Test] = []
    for size in sizes:
        for _ in range(20):
            arguments = list(written.draw(rng, size))
            if arguments not in seen and arguments not in [test.arguments for test in tests]:
                answer = getattr(written.Solution(), method)(*copy.deepcopy(arguments))
                tests.append(Test(arguments, answer))
                break
    return tests


def _signature(canonical: str, method: str) -> str:
    """The method's line as written, without the colon: `def name(self, …) -> …`."""
    node = next(
        part for part in ast.walk(ast.parse(canonical)) if isinstance(part, ast.FunctionDef) and part.name == method
    )
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"def {method}({ast.unparse(node.args)}){returns}"


def _snake(name: str) -> str:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("-")
