"""A program under other names: its class, its method and what it calls itself by, exchanged one for one."""

from __future__ import annotations

import ast
import hashlib
from dataclasses import replace

from harness_plugins.detectors.program import Program
from harness_plugins.detectors.static.module import Unreadable, parse


def renamed(program: Program) -> Program | None:
    """The program with every name of its entry that it defines exchanged for a fresh one, everywhere but in texts; None if it
    cannot be read. Its evaluator keeps its name, since the second verifier asks for another one.

    Names are chosen by a digest of the source, so that a program cannot know them, and the same one gets the same.
    """
    try:
        tree = parse(program.source)
        if tree is None:
            return None
        entry = ast.parse(program.entry, mode="eval")
        defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef | ast.FunctionDef)}
        called = {node.id for node in ast.walk(entry) if isinstance(node, ast.Name)}
        called |= {node.attr for node in ast.walk(entry) if isinstance(node, ast.Attribute)}
        fresh = hashlib.sha256(program.source.encode(errors="replace")).hexdigest()[:8]
        names = {name: f"n{number}_{fresh}" for number, name in enumerate(sorted(called & defined))}
        exchange = _Exchange(names)
        return replace(
            program, source=ast.unparse(exchange.visit(tree)), entry=ast.unparse(exchange.visit(entry)), evaluator=""
        )
    except (SyntaxError, ValueError, RecursionError, MemoryError, Unreadable):
        return None


class _Exchange(ast.NodeTransformer):
    def __init__(self, names: dict[str, str]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = self.names.get(node.id, node.id)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        node.attr = self.names.get(node.attr, node.attr)
        return self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.name = self.names.get(node.name, node.name)
        return self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.name = self.names.get(node.name, node.name)
        return self.generic_visit(node)

    def visit_Global(self, node: ast.Global) -> ast.AST:
        node.names = [self.names.get(name, name) for name in node.names]
        return node
