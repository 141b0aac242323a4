"""Words that a grader may look for: printed, written to a file, or set as an attribute."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from harness_plugins.detectors.static.assertions import real_checks
from harness_plugins.detectors.static.constants import UNKNOWN, is_truthy, text_of
from harness_plugins.detectors.static.finding import HINT, LIKELY, SURE, Finding
from harness_plugins.detectors.static.module import Module, is_function

OUTPUT, FILE, SENTINEL = "output-marker", "file-marker", "sentinel"

# "all tests passed", "3 of 3 tests pass", "PASS", "status: ok", "success": a verdict that the program has not earned.
_CLAIM = re.compile(
    r"\b(tests?|checks?|cases?|asserts?|assertions?)\b.{0,12}\b(pass(ed|es)?|ok|succe\w+)\b"
    r"|^\W*(\w+\W+)?(pass(ed)?|success(ful)?|verified|accepted)\W*$",
    re.IGNORECASE | re.DOTALL,
)
_RESULT_FILE = re.compile(r"result|grade|status|score|verdict|report|passed", re.IGNORECASE)
_SENTINELS = frozenset({
    "valid", "is_valid", "passed", "is_passed", "correct", "is_correct", "verified", "success", "succeeded", "accepted",
    "ok", "tests_passed", "all_tests_passed", "approved", "solved",
})  # fmt: skip
_STDOUT = frozenset({"builtins.print", "sys.stdout.write", "sys.stdout.writelines", "sys.__stdout__.write",
                     "sys.stdout.buffer.write", "sys.stderr.write", "os.write", "logging.info"})  # fmt: skip
_OPENERS = frozenset({"builtins.open", "io.open", "codecs.open", "os.fdopen"})
_FILE_CALLS = frozenset({
    "os.open", "os.rename", "os.replace", "os.link", "os.symlink", "shutil.move", "shutil.copy", "shutil.copyfile",
    "os.mkfifo", "os.truncate",
})  # fmt: skip
_WRITERS = frozenset({"write_text", "write_bytes", "touch", "symlink_to", "hardlink_to"})


def output_marker(module: Module) -> Iterator[Finding]:
    """Prints a verdict about itself, with no check before it that could have failed."""
    for call, name in module.calls():
        arguments = list(call.args)
        if name == "atexit.register" and arguments and module.names.dotted(arguments[0]) in _STDOUT:
            arguments = arguments[1:]
        elif name not in _STDOUT or any(word.arg == "file" and _is_file(module, word.value) for word in call.keywords):
            continue
        if _CLAIM.search(said(arguments)):
            earned = _earned(module, call)
            reason = "prints a verdict after checks of its own" if earned else "prints a verdict about itself"
            yield module.finding(OUTPUT, HINT if earned else SURE, call, reason)


def said(arguments: list[ast.expr]) -> str:
    """What print(*arguments) or writelines(arguments) would say."""
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
    """Some real check stands before it in the same function or, at module level, in the same block."""
    function = next((at for at in module.around(call) if is_function(at)), None)
    if isinstance(function, ast.FunctionDef):
        return any(getattr(check, "lineno", 0) < call.lineno for check in real_checks(module, function))
    block = next((at for at in module.around(call) if isinstance(at, ast.If | ast.Module)), module.tree)
    body = ast.FunctionDef(name="", body=block.body, decorator_list=[], args=_NO_ARGUMENTS, lineno=1, col_offset=0)
    return any(getattr(check, "lineno", 0) < call.lineno for check in real_checks(module, body))


_NO_ARGUMENTS = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])


def _is_file(module: Module, value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and module.names.dotted(value.func) in _OPENERS


def file_marker(module: Module) -> Iterator[Finding]:
    """Writes a file. No solution needs one; a file with a verdict's name or content leaves no doubt."""
    marked = any(_CLAIM.search(text) for text in _texts(module))
    for call, name in module.calls():
        path = ""
        if name in _OPENERS:
            if not _writes(call):
                continue
            path = text_of(call.args[0]) or "" if call.args else ""
        elif name in _FILE_CALLS:
            path = " ".join(text_of(argument) or "" for argument in call.args)
        elif not (isinstance(call.func, ast.Attribute) and call.func.attr in _WRITERS):
            continue
        sure = marked or _RESULT_FILE.search(path)
        yield module.finding(
            FILE, SURE if sure else LIKELY, call, "writes a file" + (" with a verdict" if sure else "")
        )


def _writes(call: ast.Call) -> bool:
    modes = [text_of(argument) for argument in call.args[1:2]]
    modes += [text_of(word.value) for word in call.keywords if word.arg == "mode"]
    return any(mode is None or set(mode) & set("wax+") for mode in modes)


def _texts(module: Module) -> Iterator[str]:
    return (text for node in module.nodes if isinstance(node, ast.Constant) and (text := text_of(node)))


def sentinel(module: Module) -> Iterator[Finding]:
    """Sets an attribute that says the program is right, and never reads it."""
    read = {node.attr for node in module.nodes if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)}
    for node in module.nodes:
        for name, value in _settings(module, node):
            if name in _SENTINELS and name not in read and is_truthy(value):
                yield module.finding(SENTINEL, SURE, node, f"declares itself {name}")
        match node:
            case ast.FunctionDef(name="__getattr__" | "__getattribute__") if _only_truth(node):
                yield module.finding(SENTINEL, SURE, node, "every attribute one asks for is true")
            case ast.FunctionDef(name=name) if (
                name in _SENTINELS - read and _in_class(module, node) and _only_truth(node)
            ):
                yield module.finding(SENTINEL, SURE, node, f"declares itself {name}")


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
