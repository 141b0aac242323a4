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

    A method's name is exchanged where a class of the program defines it and where it is asked of self or of such a class:
    `rotate` may be a method of the solution and of a deque. Names are chosen by a digest of the source, so that a program
    cannot know them, and the same one gets the same.
    """
    try:
        tree = parse(program.source)
        if tree is None:
            return None
        entry = ast.parse(program.entry, mode="eval")
        defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef | ast.FunctionDef)}
        called = {node.id for node in ast.walk(entry) if isinstance(node, ast.Name)} & defined
        methods = {node.attr for node in ast.walk(entry) if isinstance(node, ast.Attribute)} & defined
        digest = hashlib.sha256(program.source.encode(errors="replace")).hexdigest()[:8]
        fresh = {name: f"n{number}_{digest}" for number, name in enumerate(sorted(called | methods))}
        exchange = _Exchange(
            {name: fresh[name] for name in called}, {name: fresh[name] for name in methods}, _instances(tree, called)
        )
        source, asked = (ast.unparse(exchange.visit(one)) for one in (tree, entry))
        return replace(program, source=source, entry=asked, evaluator="")
    except (SyntaxError, ValueError, RecursionError, MemoryError, Unreadable):
        return None


def _instances(tree: ast.AST, classes: set[str]) -> set[str]:
    """Variables that something made by one of these classes is assigned to."""
    return {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
        if isinstance(node.value.func, ast.Name) and node.value.func.id in classes
        for target in node.targets
        if isinstance(target, ast.Name)
    }


class _Exchange(ast.NodeTransformer):
    def __init__(self, names: dict[str, str], methods: dict[str, str], instances: set[str]) -> None:
        self.names, self.methods = names, methods
        self.owners = instances | names.keys() | {"self", "cls"}

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = self.names.get(node.id, node.id)
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.arg = self.names.get(node.arg, node.arg)
        return self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if self._ours(node.value):
            node.attr = self.methods.get(node.attr, node.attr)
        return self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        for statement in node.body:
            if isinstance(statement, ast.FunctionDef):
                statement.name = self.methods.get(statement.name, statement.name)
                continue
            for inner in ast.walk(statement):  # a class's body calls its methods by their bare names
                if isinstance(inner, ast.Name):
                    inner.id = self.methods.get(inner.id, inner.id)
        node.name = self.names.get(node.name, node.name)
        return self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.name = self.names.get(node.name, node.name)
        return self.generic_visit(node)

    def visit_Global(self, node: ast.Global) -> ast.AST:
        node.names = [self.names.get(name, name) for name in node.names]
        return node

    def _ours(self, owner: ast.expr) -> bool:
        """Whether this expression is a class of the program, or made by one."""
        match owner:
            case ast.Name(id=name):
                return name in self.owners
            case ast.Call(func=ast.Name(id=name)):
                return name in self.names or name in ("super", "type")
            case ast.Attribute(attr="__class__"):
                return True
        return False
