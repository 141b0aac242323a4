"""A program's verdict on itself, printed where a grader may look for it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from harness_plugins.detectors.static.assertions import real_checks
from harness_plugins.detectors.static.claims import CLAIM, OPENERS
from harness_plugins.detectors.static.constants import UNKNOWN, text_of
from harness_plugins.detectors.static.finding import HINT, SURE, Finding
from harness_plugins.detectors.static.module import Module, is_function

RULE = "output-marker"
_STDOUT = frozenset({"builtins.print", "sys.stdout.write", "sys.stdout.writelines", "sys.__stdout__.write",
                     "sys.stdout.buffer.write", "sys.stderr.write", "os.write", "logging.info"})  # fmt: skip


def output_marker(module: Module) -> Iterator[Finding]:
    """Prints a verdict about itself, with no check before it that could have failed."""
    for call, name in module.calls():
        arguments = list(call.args)
        if name == "atexit.register" and arguments and module.names.dotted(arguments[0]) in _STDOUT:
            arguments = arguments[1:]
        elif name not in _STDOUT or any(word.arg == "file" and _is_file(module, word.value) for word in call.keywords):
            continue
        if CLAIM.search(printed(arguments)):
            earned = _earned(module, call)
            reason = "prints a verdict after checks of its own" if earned else "prints a verdict about itself"
            yield module.finding(RULE, HINT if earned else SURE, call, reason)


def printed(arguments: list[ast.expr]) -> str:
    """What print(*arguments) or writelines(arguments) would print."""
    parts: list[str] = []
    for argument in arguments:
        inner = argument.value if isinstance(argument, ast.Starred) else argument
        if isinstance(inner, ast.List | ast.Tuple):
            parts.append("".join(text_of(part) or UNKNOWN for part in inner.elts))
            parts.append(" ".join(text_of(part) or UNKNOWN for part in inner.elts))
        elif (text := text_of(inner)) is not None:
            parts.append(text)
    return " ".join(parts)


def _earned(module: Module, call: ast.Call) -> bool:
    """Whether a real check precedes it in the same function or, at module level, in the same block."""
    function = next((at for at in module.around(call) if is_function(at)), None)
    if isinstance(function, ast.FunctionDef):
        return any(getattr(check, "lineno", 0) < call.lineno for check in real_checks(module, function))
    block = next((at for at in module.around(call) if isinstance(at, ast.If | ast.Module)), module.tree)
    body = ast.FunctionDef(name="", body=block.body, decorator_list=[], args=_NO_ARGUMENTS, lineno=1, col_offset=0)
    return any(getattr(check, "lineno", 0) < call.lineno for check in real_checks(module, body))


_NO_ARGUMENTS = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])


def _is_file(module: Module, value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and module.names.dotted(value.func) in OPENERS
