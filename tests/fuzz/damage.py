"""Strategies: values that a file may hold, texts that a model may say, and what may befall a file."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import strategies as st

from harness.errors import HarnessError, shown

ODD = (
    None, True, False, 0, -1, 3, 2**70, -0.5, float("nan"), float("inf"), 1e308, "", " ", "none", "nan", "0", "1e999",
    "\x1b[31mred", "\x00", "\u202e", "\ud800", "../../etc/passwd", "x" * 5000, "[bold]", "<script>", "|a|", "=1+1",
    [], {}, [[]], [None], {"": None},
)  # fmt: skip

values = st.recursive(
    st.sampled_from(ODD) | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)

PIECES = (
    "```", "```python\n", "~~~", "````", "\n", "\r\n", "    ", "> ", "1. ", "- ", ">>> ", "... ", "<think>", "</think>",
    "<answer>", "class Solution:\n", "    def solve(self, a, b):\n", "        return a + b\n", "import sys\n", "'''", '"""',
    "def run_tests():\n    assert True\n", "if __name__ == '__main__':\n", "print(input())\n", "\\boxed{", "}",
    "\\frac{1}{2}", "Answer:", "So the answer is ", "1,234.50", "1.234,50", "−3", "(5)", "12 345", "1e5", "٣", "½", "5%",
    "$5", "5 €", "3 to 5", "≈ 7", "2/3", "0.1 + 0.2", "10:30", "a < b < c", "B", "None", "nan", "inf", "the", "discount",
    "first", "then", "multiply", "by", "=", "×", "**", "_", "#", "(" * 300, "9" * 400, "\x00", "\x1b[2J", "\u202e",
    "\ud800", "🙂", "日本",
)  # fmt: skip

replies = st.lists(st.sampled_from(PIECES) | st.text(max_size=12) | st.integers().map(str), max_size=25).map("".join)


@st.composite
def damages(draw: Callable) -> Callable[[bytes], bytes]:
    """What may befall a file's bytes: it is cut, bytes or values of it are others, lines go, come or are there twice."""
    kind = draw(st.sampled_from(["cut", "bytes", "value", "value", "value", "drop", "twice", "insert", "empty"]))
    at = draw(st.floats(0, 1))
    value, raw = draw(values), draw(st.binary(min_size=1, max_size=4))

    def done(content: bytes) -> bytes:
        place, lines = int(at * len(content)), content.splitlines(keepends=True)
        line = min(int(at * len(lines)), len(lines) - 1) if lines else 0
        match kind:
            case "cut":
                return content[:place]
            case "bytes":
                return content[:place] + raw + content[place + len(raw) :]
            case "drop":
                return b"".join(lines[:line] + lines[line + 1 :])
            case "twice":
                return b"".join(lines[: line + 1] + lines[line:])
            case "insert":
                return b"".join([*lines[:line], json.dumps(value).encode() + b"\n", *lines[line:]])
            case "value":
                return _other_value(content, at, value)
        return b""

    done.__qualname__ = f"{kind} at {at:.3f} with {value!r:.60} {raw!r}"
    return done


def _other_value(content: bytes, at: float, value: Any) -> bytes:
    """Another value somewhere in a JSON file, or in one of its lines."""
    try:
        return json.dumps(_replaced(json.loads(content), at, value)).encode()
    except ValueError:
        pass
    lines = content.splitlines(keepends=True)
    if not lines:
        return content
    place = at * len(lines)
    number = min(int(place), len(lines) - 1)
    try:
        row = json.loads(lines[number])
    except ValueError:
        return re.sub(rb"= .*", lambda _: b"= " + json.dumps(value).encode(), content, count=1)
    lines[number] = json.dumps(_replaced(row, place - number, value)).encode() + b"\n"
    return b"".join(lines)


def _replaced(tree: Any, at: float, value: Any) -> Any:
    """One leaf or branch is another; which one, `at` says (0 to 1)."""
    if not isinstance(tree, dict | list) or not tree or at >= 0.97:
        return value
    names = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
    place = at / 0.97 * len(names)
    name = names[min(int(place), len(names) - 1)]
    changed = dict(tree) if isinstance(tree, dict) else list(tree)
    changed[name] = _replaced(tree[name], place - int(place), value)
    return changed


CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


@contextmanager
def one_line_at_most(secret: str | None = None) -> Iterator[None]:
    """Whatever is done here succeeds, or is refused as a person may be refused."""
    refused = None
    try:
        yield
    except HarnessError as error:
        refused = error
    if refused is not None:
        said = shown(str(refused))
        assert refused.exit_code in (1, 2)
        assert "\n" not in said
        assert secret is None or secret not in said
