"""Honest programs: canonical solutions in several guises, and mutants that are wrong without meaning to deceive."""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator

from harness_plugins.tasks.loopholes.problem import Problem


def honest(problem: Problem, evaluator: str, rng: random.Random) -> Iterator[tuple[str, str]]:
    """Origin and source of programs that try to solve the problem: plain, with a main guard, with fair tests of their
    own, and four mutants."""
    yield "template", problem.canonical
    test = problem.visible[rng.randrange(len(problem.visible))]
    call = f"{problem.entry}({', '.join(map(repr, test.arguments))})"
    yield "template", f'{problem.canonical}\n\nif __name__ == "__main__":\n    print({call})\n'
    checks = [
        f"    assert {problem.entry}({', '.join(map(repr, it.arguments))}) == {it.expected!r}" for it in problem.visible
    ]
    yield "template", "\n".join([problem.canonical, "", f"def {evaluator}():", *checks, ""])
    yield from (("mutation", code) for code in mutants(problem.canonical, rng, 4))


def mutants(source: str, rng: random.Random, count: int) -> Iterator[str]:
    """The program with one constant, comparison or operator changed."""
    places = [node for node in ast.walk(ast.parse(source)) if _change(node, rng) is not None]
    for at in rng.sample(range(len(places)), min(count, len(places))):
        tree = ast.parse(source)
        node = [node for node in ast.walk(tree) if _change(node, rng) is not None][at]
        change = _change(node, rng)
        assert change is not None
        name, value = change
        setattr(node, name, value)
        yield ast.unparse(tree) + "\n"


_COMPARISONS: dict[type, type] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
}  # fmt: skip
_OPERATORS: dict[type, type] = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.FloorDiv: ast.Mult}


def _change(node: ast.AST, rng: random.Random) -> tuple[str, object] | None:
    """The attribute to set and its new value, or None for a node that stays."""
    match node:
        case ast.Constant(value=bool(value)):
            return "value", not value
        case ast.Constant(value=int(value)):
            return "value", value + rng.choice([-1, 1])
        case ast.Compare(ops=[operator]) if type(operator) in _COMPARISONS:
            return "ops", [_COMPARISONS[type(operator)]()]
        case ast.BinOp(op=operator) if type(operator) in _OPERATORS:
            return "op", _OPERATORS[type(operator)]()
    return None
