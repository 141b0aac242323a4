"""What stands around a program in the sandbox: it loads the program and answers one input after another.

Its text runs there, with `PROGRAM`, `ENTRY` and `UNORDERED` set behind it; here nothing of it is called. It makes an honest
program's life easy and decides nothing: what it returns is under the program's control and is judged outside.
"""

from __future__ import annotations

import builtins
import resource
import sys
import time
import types
from collections.abc import Iterator, KeysView, Mapping, Sequence, Set, ValuesView
from decimal import Decimal
from fractions import Fraction
from typing import Any

DEEPEST = 64  # levels of lists that the sandbox lets through
RECURSION = 550_000  # calls
PROGRAM = ENTRY = ""
UNORDERED = False


def load(source: str) -> dict[str, Any]:
    """The program's names. What goes wrong once it has defined what is asked for (it leaves, it reads an absent stdin, an
    example of its own fails) does not matter."""
    resource.setrlimit(resource.RLIMIT_STACK, (resource.getrlimit(resource.RLIMIT_STACK)[1],) * 2)
    sys.setrecursionlimit(RECURSION)
    vars(builtins).update(exit=sys.exit, quit=sys.exit)  # which the interpreter's `site` would define
    module = types.ModuleType("solution")
    sys.modules["solution"] = module
    try:
        exec(compile(source, "solution.py", "exec"), vars(module))
    except (Exception, SystemExit):
        if ENTRY.split("(")[0].split(".")[0] not in vars(module):
            raise
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
    """Sequences and iterators as lists, mappings as dicts, fractions and decimals as numbers, subclasses as what they are made
    of; anything else unchanged."""
    kind = type(value)
    if depth == 0 or value is None or kind in (bool, int, float, str):
        return value
    if kind.__module__ == "numpy":
        return plain(value.tolist(), depth)
    if kind is Decimal or kind is Fraction:
        return int(value) if value == int(value) else float(value)
    if isinstance(value, Mapping):
        return {key: plain(element, depth - 1) for key, element in value.items()}
    listed = isinstance(value, (Sequence, Iterator, KeysView, ValuesView)) or (UNORDERED and isinstance(value, Set))
    if listed and not isinstance(value, (str, bytes, bytearray, memoryview)):
        return [plain(element, depth - 1) for element in value]
    for base in (int, float, str):
        if isinstance(value, base):
            return base(value)
    return value
