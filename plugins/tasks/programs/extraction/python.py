"""Pieces of text as Python: does a piece parse, what does it define, and which names does it lack?"""

from __future__ import annotations

import ast
import builtins
import symtable
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

CLASS = "Solution"


class Whole(IntEnum):
    """How much of the asked-for program a piece is."""

    NOTHING = 0
    OTHER_CLASS = 1  # a class Solution without the method
    STUB = 2  # the method or function without a body, as a prompt shows it, or with `...` for a part of it
    PROGRAM = 3


Wanted = Callable[[ast.stmt], Whole]  # how much of the asked-for program a statement is


@dataclass(frozen=True)
class Piece:
    """Text that parses; `start` and `end` are its lines in the reply."""

    code: str
    tree: ast.Module
    start: int
    end: int

    def whole(self, wanted: Wanted) -> Whole:
        return max(map(wanted, _statements(self.tree.body)), default=Whole.NOTHING)

    @cached_property
    def lacking(self) -> frozenset[str]:
        """Names that it uses and neither it nor Python defines."""
        return lacking(self.code)

    def methods(self, name: str) -> Iterator[str]:
        """Its top-level functions of that name that take `self`: a method without its class."""
        lines = self.code.split("\n")
        for node in self.tree.body:
            if (
                isinstance(node, ast.FunctionDef)
                and node.name == name
                and [it.arg for it in node.args.args][:1] == ["self"]
            ):
                yield "\n".join(lines[node.lineno - 1 : node.end_lineno])

    def definitions(self) -> Iterator[tuple[frozenset[str], str]]:
        """Its top-level statements that bind names, each with the names and the text."""
        lines = self.code.split("\n")
        for node in self.tree.body:
            if names := frozenset(_bound(node)):
                first = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))])
                yield names, "\n".join(lines[first - 1 : node.end_lineno])


def parsed(code: str) -> ast.Module | SyntaxError | None:
    """The tree, or the error that says where the text stops being Python; None where it says nothing of use."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd escapes in strings
            return ast.parse(code)
    except SyntaxError as error:
        return error
    except (ValueError, RecursionError, MemoryError):
        return None


def lacking(code: str) -> frozenset[str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            top = symtable.symtable(code, "reply", "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    own = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    used: set[str] = set()
    tables = [top]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        for symbol in table.get_symbols():
            if symbol.is_referenced() and (symbol.is_global() or table is top):
                used.add(symbol.get_name())
    return frozenset(used - own - set(dir(builtins)))


def _statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Those of a module, and of its ifs, tries and withs."""
    for node in body:
        yield node
        for part in ("body", "orelse", "finalbody"):
            if isinstance(node, ast.If | ast.Try | ast.With):
                yield from _statements(getattr(node, part, []))


def whole_function(node: ast.stmt, name: str) -> Whole:
    """Is this the function of that name?"""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
        return Whole.STUB if all(map(_says_nothing, node.body)) or any(map(_leaves_out, node.body)) else Whole.PROGRAM
    return Whole.PROGRAM if name in _bound(node) else Whole.NOTHING


def whole_class(node: ast.stmt, method: str) -> Whole:
    """Is this a class Solution with that method?"""
    if isinstance(node, ast.ClassDef) and node.name == CLASS:
        for part in node.body:
            if (found := whole_function(part, method)) is not Whole.NOTHING:
                return found
        return Whole.PROGRAM if any(ast.unparse(base) != "object" for base in node.bases) else Whole.OTHER_CLASS
    if isinstance(node, ast.Assign) and any(ast.unparse(it) in (CLASS, f"{CLASS}.{method}") for it in node.targets):
        return Whole.PROGRAM
    return Whole.NOTHING


def _says_nothing(node: ast.stmt) -> bool:
    """A docstring, `...`, `pass`, `raise NotImplementedError`."""
    if isinstance(node, ast.Raise):
        return "NotImplementedError" in ast.unparse(node)
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def _leaves_out(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and node.value.value is ...


def _bound(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in names)
        case ast.Assign(targets=targets):
            yield from (it.id for target in targets for it in ast.walk(target) if isinstance(it, ast.Name))
        case ast.AnnAssign(target=ast.Name(id=name), value=value) if value is not None:
            yield name
        case ast.Try() | ast.If():
            for inner in [*node.body, *node.orelse]:
                yield from _bound(inner)
