"""Which checks in a test function can reject a program, and which only look as if they could."""

from __future__ import annotations

import ast

from harness_plugins.detectors.static.constants import is_constant, is_truthy
from harness_plugins.detectors.static.module import Function, Module, is_function

_CATCH_ALL = frozenset({"AssertionError", "Exception", "BaseException"})
_SHAPE_ONLY = frozenset({"isinstance", "callable", "hasattr", "type", "len", "print", "bool", "issubclass", "id"})
_FRAMEWORKS = ("unittest", "doctest", "pytest")


def checks(module: Module, function: Function) -> list[ast.AST]:
    """Every assert, raise and `assertX` call of a function and of the functions of the program that it calls."""
    found: list[ast.AST] = []
    seen: set[ast.AST] = set()
    waiting: list[Function] = [function]
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        for node in ast.walk(current):
            if isinstance(node, ast.Assert | ast.Raise) or _is_assert_call(node):
                found.append(node)
            if isinstance(node, ast.Call) and (called := module.functions.get(_last_name(node.func))):
                waiting.append(called)
    return found


def real_checks(module: Module, function: Function) -> list[ast.AST]:
    """The checks that compare a result with something that does not follow from it, and whose failure is not swallowed."""
    return [check for check in checks(module, function) if _is_real(module, check)]


def uses_framework(module: Module, function: Function) -> bool:
    """Does it call a test framework, whose checks are elsewhere?"""
    called = (module.names.dotted(node.func) for node in ast.walk(function) if isinstance(node, ast.Call))
    return any(name.partition(".")[0] in _FRAMEWORKS for name in called if name)


def _is_real(module: Module, check: ast.AST) -> bool:
    if _swallowed(module, check) or _unreachable(module, check):
        return False
    match check:
        case ast.Assert(test=test):
            return _compares(module, check, test)
        case ast.Raise():
            return any(isinstance(at, ast.If) and _compares(module, check, at.test) for at in module.around(check))
        case ast.Call(args=[first, second, *_]):
            return ast.dump(first) != ast.dump(second)
        case ast.Call(args=[first]):
            return _compares(module, check, first)
    return False


def _compares(module: Module, check: ast.AST, test: ast.expr) -> bool:
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or) and any(map(is_truthy, test.values)):
        return False
    if isinstance(test, ast.UnaryOp):
        return _compares(module, check, test.operand)
    comparisons = [node for node in ast.walk(test) if isinstance(node, ast.Compare)]
    if comparisons:
        return any(_is_independent(module, check, node) for node in comparisons)
    resolved = _resolve(module, check, test)
    return isinstance(resolved, ast.Call) and _last_name(resolved.func) not in _SHAPE_ONLY


def _is_independent(module: Module, check: ast.AST, compare: ast.Compare) -> bool:
    """Equality (or identity, or membership) of two sides, neither of which can be derived from the other."""
    if not isinstance(compare.ops[0], ast.Eq | ast.NotEq | ast.Is | ast.In):
        return False
    left, right = (_resolve(module, check, side) for side in (compare.left, compare.comparators[0]))
    if ast.dump(left) == ast.dump(right) or (is_constant(left) and is_constant(right)):
        return False
    return not (_called(left) and _called(left) == _called(right)) and not _is_shape(left) and not _is_shape(right)


def _is_shape(side: ast.expr) -> bool:
    return isinstance(side, ast.Call) and _last_name(side.func) in _SHAPE_ONLY


def _called(node: ast.expr) -> frozenset[str]:
    return frozenset(_last_name(at.func) for at in ast.walk(node) if isinstance(at, ast.Call)) - {"Solution"}


def _resolve(module: Module, check: ast.AST, side: ast.expr) -> ast.expr:
    """A local name that is assigned once stands for what it was assigned."""
    if not isinstance(side, ast.Name):
        return side
    function = next((at for at in module.around(check) if is_function(at)), module.tree)
    values = [
        node.value
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and any(isinstance(at, ast.Name) and at.id == side.id for at in node.targets)
    ]
    return values[0] if len(values) == 1 else side


def _swallowed(module: Module, check: ast.AST) -> bool:
    inner: ast.AST = check
    for at in module.around(check):
        if isinstance(at, ast.Try) and inner in at.body and any(map(_swallows, at.handlers)):
            return True
        if isinstance(at, ast.With) and any(_suppresses(item.context_expr) for item in at.items):
            return True
        if is_function(at):
            return False
        inner = at
    return False


def _swallows(handler: ast.ExceptHandler) -> bool:
    caught = [handler.type] if not isinstance(handler.type, ast.Tuple) else handler.type.elts
    catches = any(kind is None or _last_name(kind) in _CATCH_ALL for kind in caught)
    return catches and not any(isinstance(node, ast.Raise | ast.Assert) for node in ast.walk(handler))


def _suppresses(context: ast.expr) -> bool:
    return isinstance(context, ast.Call) and _last_name(context.func) == "suppress"


def _unreachable(module: Module, check: ast.AST) -> bool:
    """Inside a loop over nothing, or under a condition that is always false."""
    for at in module.around(check):
        match at:
            case ast.For(iter=ast.List(elts=[]) | ast.Tuple(elts=[]) | ast.Dict(keys=[])):
                return True
            case ast.For(iter=ast.Call(func=ast.Name(id="range"), args=[ast.Constant(value=0)])):
                return True
            case ast.If(test=test) | ast.While(test=test) if is_constant(test) and not is_truthy(test):
                return True
    return False


def _is_assert_call(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr.startswith("assert")


def _last_name(node: ast.AST | None) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""
