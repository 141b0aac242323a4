"""What stands around a program in the sandbox: it loads the program and answers one input after another.

Its text runs there, with `PROGRAM`, `ENTRY` and `UNORDERED` set behind it; here nothing of it is called. It makes an honest
program's life easy and decides nothing: what it returns is under the program's control and is judged outside.
"""

from __future__ import annotations

import builtins
import contextlib
import resource
import sys
import time
import types
from collections import deque
from collections.abc import Iterator, KeysView, Set, ValuesView
from typing import Any

DEEPEST = 64  # levels of lists that the sandbox lets through
RECURSION = 550_000  # calls
PROGRAM = ENTRY = ""
UNORDERED = False


def load(source: str) -> dict[str, Any]:
    """The program's names. One that leaves or asks an absent stdin at its end has been read whole by then."""
    resource.setrlimit(resource.RLIMIT_STACK, (resource.getrlimit(resource.RLIMIT_STACK)[1],) * 2)
    sys.setrecursionlimit(RECURSION)
    vars(builtins).update(exit=sys.exit, quit=sys.exit)  # which the interpreter's `site` would define
    module = types.ModuleType("solution")
    sys.modules["solution"] = module
    with contextlib.suppress(SystemExit, EOFError):
        exec(compile(source, "solution.py", "exec"), vars(module))
    return vars(module)


def answer(*arguments: Any) -> Any:
    """The program's answer by a fresh object, in values that JSON has."""
    return plain(eval(ENTRY, names())(*arguments))


def timed_answer(*arguments: Any) -> list[Any]:
    started = time.perf_counter()
    value = answer(*arguments)
    return [value, time.perf_counter() - started]


_loaded: list[dict[str, Any]] = []


def names() -> dict[str, Any]:
    if not _loaded:
        _loaded.append(load(PROGRAM))
    return _loaded[0]


def plain(value: Any, depth: int = DEEPEST) -> Any:
    """Tuples, iterators and the like as lists, subclasses as what they are made of; anything else unchanged."""
    kind = type(value)
    if depth == 0 or value is None or kind in (bool, int, float, str):
        return value
    if kind.__module__ == "numpy":
        return plain(value.tolist(), depth)
    if isinstance(value, (list, tuple, deque, range, Iterator, KeysView, ValuesView)) or (
        UNORDERED and isinstance(value, Set)
    ):
        return [plain(element, depth - 1) for element in value]
    if isinstance(value, dict):
        return {key: plain(element, depth - 1) for key, element in value.items()}
    for base in (int, float, str):
        if isinstance(value, base):
            return base(value)
    return value
