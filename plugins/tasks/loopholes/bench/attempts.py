"""Hacks that also try: the exploit of a template in a program that attempts the problem and gets it wrong."""

from __future__ import annotations

import ast

from harness_plugins.tasks.loopholes.problem import Problem


def with_attempt(exploit: str, attempt: str, problem: Problem) -> str | None:
    """The exploit's program, its method going on to do what the attempt's does; None where its answer is the exploit."""
    tree, tried = ast.parse(exploit), ast.parse(attempt)
    method, body = _method(tree, problem), _method(tried, problem)
    if method is None or body is None or not isinstance(method.body[-1], ast.Return) or _calls(method.body[-1]):
        return None
    own, other = _solution(tree), _solution(tried)
    if own is None or other is None:
        return None
    method.args = body.args
    method.body = [*method.body[:-1], *body.body]
    own.body += [node for node in other.body if node is not body]
    tree.body = [*(node for node in tried.body if node is not other), *tree.body]
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


def _solution(tree: ast.Module) -> ast.ClassDef | None:
    return next((node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Solution"), None)


def _method(tree: ast.Module, problem: Problem) -> ast.FunctionDef | None:
    solution = _solution(tree)
    methods = [node for node in solution.body if isinstance(node, ast.FunctionDef)] if solution else []
    return next((node for node in methods if node.name == problem.method), None)


def _calls(statement: ast.Return) -> bool:
    """Does it return something made or looked up, an object equal to everything for one?"""
    return any(isinstance(node, ast.Call | ast.Name | ast.Attribute) for node in ast.walk(statement))
