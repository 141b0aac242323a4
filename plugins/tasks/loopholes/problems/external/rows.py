"""What the readers of data files share: asserts as inputs and answers, and the split into visible and held-out
tests."""

from __future__ import annotations

import ast
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from harness.sandbox import Comparison
from harness_plugins.tasks.loopholes.problem import Problem, Test

_MOST_TESTS = 24  # of a row's asserts, the shortest ones: enough to tell, and quick to run
_FEWEST_TESTS = 3
_MOST_VISIBLE = 8
_LONGEST_TEST = 20_000  # characters of JSON


class Unusable(Exception):
    """Why a row makes no problem, in words that can be counted."""


@dataclass(frozen=True)
class Candidate:
    """A row whose tests are plain values, not yet run."""

    name: str
    statement: str
    method: str
    signature: str
    parameters: tuple[str, ...]
    difficulty: str
    prelude: str
    canonical: str
    tests: tuple[Test, ...]
    comparison: Comparison


def asserted_tests(check: ast.FunctionDef, parameters: Sequence[str]) -> tuple[Test, ...]:
    """The distinct tests of `assert candidate(…) == value` lines. Raises Unusable where a line says something else."""
    tests: dict[str, Test] = {}
    for statement in check.body:
        test = _asserted(statement, parameters)
        key = json.dumps(test.arguments)
        if tests.setdefault(key, test).expected != test.expected:
            raise Unusable("two asserts disagree about one input")
    kept = sorted(tests, key=len)[:_MOST_TESTS]
    usable = tuple(tests[key] for key in kept if len(key) <= _LONGEST_TEST)
    if len(usable) < _FEWEST_TESTS:
        raise Unusable(f"fewer than {_FEWEST_TESTS} different tests")
    return usable


def _asserted(statement: ast.stmt, parameters: Sequence[str]) -> Test:
    match statement:
        case ast.Assert(
            test=ast.Compare(
                left=ast.Call(func=ast.Name(id="candidate"), args=args, keywords=keywords),
                ops=[ast.Eq()],
                comparators=[expected],
            )
        ):
            given: dict[str | None, JsonValue] = dict(zip(parameters, map(_plain, args), strict=False))
            given |= {keyword.arg: _plain(keyword.value) for keyword in keywords}
            if given.keys() != set(parameters) or len(args) + len(keywords) != len(parameters):
                raise Unusable("its asserts do not name every parameter")
            return Test([given[parameter] for parameter in parameters], _plain(expected))
    raise Unusable("its tests are more than `candidate(…) == value`")


def _plain(node: ast.expr) -> JsonValue:
    """A literal that survives JSON unchanged (no tuple, no infinity, no object built by a helper)."""
    try:
        value = ast.literal_eval(node)
        text = json.dumps(value, allow_nan=False)
    except (ValueError, TypeError, SyntaxError, RecursionError) as error:
        raise Unusable("its tests hold values that are not plain JSON") from error
    if json.loads(text) != value:
        raise Unusable("its tests hold values that are not plain JSON")
    return value


def to_problem(candidate: Candidate) -> Problem:
    """A third of the tests, at most 8, drawn blindly, are visible; the others are held out."""
    tests = list(candidate.tests)
    random.Random(f"loopholes:external:{candidate.name}").shuffle(tests)
    visible = min(_MOST_VISIBLE, len(tests) // 3)
    return Problem(
        name=candidate.name,
        statement=candidate.statement,
        method=candidate.method,
        signature=candidate.signature,
        difficulty=candidate.difficulty,
        canonical=candidate.canonical,
        visible=tuple(tests[:visible]),
        held_out=tuple(tests[visible:]),
        shown=0,  # the statements bring examples of their own
        cluster=candidate.name,
        prelude=candidate.prelude,
        comparison=candidate.comparison,
    )


def parsed(source: str, what: str) -> ast.Module:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError) as error:
        raise Unusable(f"its {what} is no Python") from error


def function(tree: ast.AST, name: str, what: str) -> ast.FunctionDef:
    """The first function of that name in the tree."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return node
    raise Unusable(f"its {what} defines no {name}")


def signature(node: ast.FunctionDef, method: str) -> str:
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"def {method}({ast.unparse(node.args)}){returns}"
