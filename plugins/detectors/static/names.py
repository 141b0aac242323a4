"""What a name in a program stands for: imports, aliases, `__import__` and `getattr` with constant names."""

from __future__ import annotations

import ast
import builtins
import os
import sys
from collections.abc import Iterable

from harness_plugins.detectors.static.constants import text_of

_BUILTINS = frozenset(dir(builtins)) | {"exit", "quit"}
_STARRED = {
    "os": frozenset(dir(os)),
    "sys": frozenset(dir(sys)),
}  # of `from os import *`, whose names must be told apart
_IMPORTERS = ("builtins.__import__", "importlib.import_module")


class Names:
    """Dotted names as if every import had been written out. A name that the program binds itself refers to nothing
    else."""

    def __init__(self, trees: Iterable[ast.AST]) -> None:
        self._imported: dict[str, str] = {}
        self._bound: set[str] = set()
        self._starred: set[str] = set()
        for tree in trees:
            for node in ast.walk(tree):
                self._read(node)

    def _read(self, node: ast.AST) -> None:
        match node:
            case ast.Import(names=names):
                for name in names:
                    root = name.name.partition(".")[0]
                    self._imported[name.asname or root] = name.name if name.asname else root
            case ast.ImportFrom(module=str(module), names=names):
                for name in names:
                    if name.name == "*":
                        self._starred.add(module)
                    else:
                        self._imported[name.asname or name.name] = f"{module}.{name.name}"
            case (
                ast.FunctionDef(name=str(bound)) | ast.AsyncFunctionDef(name=str(bound)) | ast.ClassDef(name=str(bound))
            ):
                self._bound.add(bound)
            case ast.arg(arg=bound) | ast.Name(id=bound, ctx=ast.Store()):
                self._bound.add(bound)

    def dotted(self, node: ast.AST | None, depth: int = 8) -> str | None:
        """ "os._exit" for any way of writing it, "builtins.print" for a builtin, None if it cannot be told."""
        if depth == 0:
            return None
        match node:
            case ast.Name(id=name):
                return self._root(name)
            case ast.Attribute(value=value, attr=attribute):
                base = self.dotted(value, depth - 1)
                return base and f"{base}.{attribute}"
            case ast.Subscript(value=holder, slice=key) if self.dotted(holder, depth - 1) == "sys.modules":
                return text_of(key)
            case ast.Call(func=function, args=[first, *rest]):
                called = self.dotted(function, depth - 1)
                if called in _IMPORTERS:
                    return text_of(first)
                if called == "builtins.getattr" and rest:
                    base, wanted = self.dotted(first, depth - 1), text_of(rest[0])
                    return f"{base}.{wanted}" if base and wanted else None
        return None

    def _root(self, name: str) -> str | None:
        if name in self._imported:
            return self._imported[name]
        if name in self._bound:
            return None
        for module in self._starred & _STARRED.keys():
            if name in _STARRED[module]:
                return f"{module}.{name}"
        return f"builtins.{name}" if name in _BUILTINS else None
