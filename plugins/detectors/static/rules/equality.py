"""Objects that are equal to whatever they are compared with."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from harness_plugins.detectors.static.constants import is_truthy, text_of
from harness_plugins.detectors.static.finding import LIKELY, SURE, Finding
from harness_plugins.detectors.static.module import Function, Module, is_function

RULE = "always-equal"
_ANY = frozenset({"unittest.mock.ANY", "mock.ANY"})


def always_equal(module: Module) -> Iterator[Finding]:
    """`__eq__`, however it is defined, that does not look into the other object; or a library's match-all."""
    for node in module.nodes:
        if module.names.dotted(node) in _ANY:
            yield module.finding(RULE, SURE, node, "returns an object that equals everything")
        for value in _definitions(module, node):
            function = _function(module, value)
            if function is None:
                if not (isinstance(value, ast.Attribute) and value.attr == "__eq__"):  # __eq__ = int.__eq__
                    yield module.finding(RULE, LIKELY, node, "sets __eq__ to something that cannot be read")
            elif not _looks(function):
                yield module.finding(RULE, SURE, node, "__eq__ does not look at what it is compared with")


def _definitions(module: Module, node: ast.AST) -> Iterator[ast.AST]:
    """What defines `__eq__`: a def, an assignment, setattr or a dictionary of methods."""
    match node:
        case ast.FunctionDef(name="__eq__"):
            yield node
        case ast.Assign(targets=targets, value=value):
            if any(isinstance(at, ast.Name | ast.Attribute) and _target(at) == "__eq__" for at in targets):
                yield value
        case ast.Call(args=[_, key, value]) if text_of(key) == "__eq__":
            if module.names.dotted(node.func) == "builtins.setattr":
                yield value
        case ast.Dict(keys=keys, values=values):
            yield from (item for key, item in zip(keys, values, strict=True) if text_of(key) == "__eq__")
        case ast.keyword(arg="__eq__", value=value):
            yield value


def _target(node: ast.Name | ast.Attribute) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr


def _function(module: Module, value: ast.AST) -> Function | None:
    if is_function(value):
        return value
    return module.functions.get(value.id) if isinstance(value, ast.Name) else None


def _looks(function: Function) -> bool:
    """Does a returned value depend on the other object's content, not merely on its identity?"""
    returned = (
        [function.body]
        if isinstance(function, ast.Lambda)
        else [node.value for node in ast.walk(function) if isinstance(node, ast.Return) and node.value is not None]
    )
    returned = [value for value in returned if not is_truthy(value) and not _is_not_implemented(value)]
    arguments = [*function.args.posonlyargs, *function.args.args]
    other = arguments[1].arg if len(arguments) > 1 else None
    locals_ = {other} if other else set()
    for node in ast.walk(function):  # names made from the other object stand for it
        if isinstance(node, ast.Assign) and _mentions(node.value, locals_):
            locals_ |= {at.id for at in node.targets if isinstance(at, ast.Name)}
    return any(_reads(value, locals_) for value in returned)


def _reads(value: ast.AST, names: set[str]) -> bool:
    for node in ast.walk(value):
        match node:
            case ast.Compare(ops=ops) if not all(isinstance(op, ast.Is | ast.IsNot) for op in ops):
                if _mentions(node, names):
                    return True
            case ast.Attribute(value=inner) | ast.Subscript(value=inner) if _mentions(inner, names):
                return True
            case ast.Call(args=arguments) if any(_mentions(argument, names) for argument in arguments):
                return True
            case ast.Constant(value=False):
                return True
    return False


def _mentions(node: ast.AST, names: set[str]) -> bool:
    return any(isinstance(at, ast.Name) and at.id in names for at in ast.walk(node))


def _is_not_implemented(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id == "NotImplemented"
