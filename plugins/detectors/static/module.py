"""A parsed program and the questions that rules ask of it."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeGuard

from harness_plugins.detectors.program import Program
from harness_plugins.detectors.static.finding import Finding, excerpt
from harness_plugins.detectors.static.names import Names

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

_LONGEST = 200_000  # characters; longer programs are not read
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


class Unreadable(Exception):
    """The program is too long or too deeply nested to be read."""


def parse(source: str) -> ast.Module | None:
    """The syntax tree, or None for text that is not Python. Raises Unreadable."""
    if len(source) > _LONGEST:
        raise Unreadable(f"longer than {_LONGEST} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (SyntaxError, ValueError):
        return None
    except (RecursionError, MemoryError):
        raise Unreadable("nested too deeply") from None


@dataclass(frozen=True)
class Module:
    program: Program
    tree: ast.Module

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        return tuple(ast.walk(self.tree))

    @cached_property
    def names(self) -> Names:
        try:
            prelude = parse(self.program.prelude)
        except Unreadable:
            prelude = None
        return Names([self.tree, *([prelude] if prelude else [])])

    @cached_property
    def lines(self) -> list[str]:
        return self.program.source.splitlines()

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        return {child: node for node in self.nodes for child in ast.iter_child_nodes(node)}

    def around(self, node: ast.AST) -> Iterator[ast.AST]:
        """The nodes that contain this one, innermost first."""
        at: ast.AST | None = self.parents.get(node)
        while at is not None:
            yield at
            at = self.parents.get(at)

    def guarded(self, node: ast.AST) -> bool:
        """Under `if __name__ == "__main__"`: run when the program is a script, not when it is imported."""
        return any(isinstance(at, ast.If) and _is_main_guard(at.test) for at in self.around(node))

    def in_function(self, node: ast.AST) -> bool:
        return any(is_function(at) for at in self.around(node))

    @cached_property
    def functions(self) -> dict[str, Function]:
        """Functions by name, wherever they are defined, `f = lambda …` included; the last definition counts."""
        found: dict[str, Function] = {}
        for node in self.nodes:
            match node:
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                    found[name] = node
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Lambda() as function):
                    found[name] = function
        return found

    def calls(self) -> Iterator[tuple[ast.Call, str | None]]:
        """Every call with the dotted name of what it calls."""
        for node in self.nodes:
            if isinstance(node, ast.Call):
                yield node, self.names.dotted(node.func)

    def finding(self, rule: str, weight: float, node: ast.AST, reason: str) -> Finding:
        line = getattr(node, "lineno", 1)
        text = self.lines[line - 1] if 0 < line <= len(self.lines) else ""
        return Finding(rule, weight, line, excerpt(text), reason)


def is_function(node: ast.AST) -> TypeGuard[Function]:
    return isinstance(node, _FUNCTIONS)


def _is_main_guard(test: ast.AST) -> bool:
    return any(isinstance(node, ast.Name) and node.id == "__name__" for node in ast.walk(test))
