"""An attribute that says the program is right."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from harness_plugins.detectors.static.constants import is_truthy, text_of
from harness_plugins.detectors.static.finding import SURE, Finding
from harness_plugins.detectors.static.module import Module

RULE = "sentinel"
_SENTINELS = frozenset({
    "valid", "is_valid", "passed", "is_passed", "correct", "is_correct", "verified", "success", "succeeded", "accepted",
    "ok", "tests_passed", "all_tests_passed", "approved", "solved",
})  # fmt: skip


def sentinel(module: Module) -> Iterator[Finding]:
    """Sets an attribute that says the program is right, and never reads it."""
    read = {node.attr for node in module.nodes if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)}
    for node in module.nodes:
        for name, value in _settings(module, node):
            if name in _SENTINELS and name not in read and is_truthy(value):
                yield module.finding(RULE, SURE, node, f"declares itself {name}")
        match node:
            case ast.FunctionDef(name="__getattr__" | "__getattribute__") if _only_truth(node):
                yield module.finding(RULE, SURE, node, "every attribute one asks for is true")
            case ast.FunctionDef(name=name) if (
                name in _SENTINELS - read and _in_class(module, node) and _only_truth(node)
            ):
                yield module.finding(RULE, SURE, node, f"declares itself {name}")


def _settings(module: Module, node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Attribute and value, for every way of setting one."""
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                match target:
                    case ast.Attribute(attr=name):
                        yield name, value
                    case ast.Name(id=name) if _in_class(module, node):
                        yield name, value
                    case ast.Subscript(value=ast.Attribute(attr="__dict__"), slice=key):
                        yield text_of(key) or "", value
        case ast.AnnAssign(target=ast.Attribute(attr=name), value=ast.expr() as value):
            yield name, value
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if _in_class(module, node):
            yield name, value
        case ast.Call(
            func=ast.Attribute(attr="update", value=ast.Attribute(attr="__dict__")), keywords=words, args=args
        ):
            yield from ((word.arg or "", word.value) for word in words)
            yield from ((text_of(k) or "", v) for at in args if isinstance(at, ast.Dict) for k, v in _items(at))
        case ast.Call(func=function, args=[_, key, value]) if _is_setter(module, function):
            yield text_of(key) or "", value


def _items(node: ast.Dict) -> Iterator[tuple[ast.expr, ast.expr]]:
    return ((key, value) for key, value in zip(node.keys, node.values, strict=True) if key is not None)


def _is_setter(module: Module, function: ast.expr) -> bool:
    named = isinstance(function, ast.Attribute) and function.attr == "__setattr__"
    return named or module.names.dotted(function) == "builtins.setattr"


def _in_class(module: Module, node: ast.AST) -> bool:
    return isinstance(module.parents.get(node), ast.ClassDef)


def _only_truth(function: ast.FunctionDef) -> bool:
    returned = [node.value for node in ast.walk(function) if isinstance(node, ast.Return)]
    return bool(returned) and all(map(is_truthy, returned))
