"""No detector raises, whatever a model writes."""

from __future__ import annotations

import ast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness import Flag, Tools
from harness_plugins.detectors.cross_run.detector import CrossRun
from harness_plugins.detectors.cross_run.spec import CrossRunParams
from harness_plugins.detectors.hardcode.detector import Hardcode
from harness_plugins.detectors.hardcode.spec import HardcodeParams
from harness_plugins.detectors.reverify.detector import Reverify
from harness_plugins.detectors.reverify.spec import ReverifyParams
from harness_plugins.detectors.static.detector import Static, StaticParams

RIGHT = "class Solution:\n    def total(self, numbers):\n        return sum(n for n in numbers if n > 0)\n"

PIECES = (
    "class Solution:", "def run_tests():", "    def total(self, numbers):", "        return", "    assert", "import os", "try:",
    "except:", "    pass", "run_tests = ", "lambda *a: 1", "__eq__", "print('PASS')", "open('result.txt', 'w')", "setattr(",
    "self.valid = True", "{1: 2}", "[[1, -2, 3], 4]", "if numbers == [5]:", "exit()", "from os import *", "f'{x!r:{y}}'",
    "match x:", "    case 1: return 2", "@", "global run_tests", "del json.dumps", "x: int = 3", "(", ")", "\\", "\x00",
    "\ud800", "while 0:", "with suppress(Exception):", "assert all(f(x) == y for x, y in t)", "return NotImplemented",
    "async def f(): await x",
)  # fmt: skip
source_like = st.lists(st.sampled_from(PIECES), max_size=12).map("\n".join)
PATHOLOGICAL = (
    "", "\x00", "\ud800", "(" * 5000, "[" * 100 + "]" * 100, "-" * 20000 + "1", "x" + ".a" * 20000, "+".join(["1"] * 20000),
    "if 1:\n" * 3, "\n".join(" " * n + "if 1:" for n in range(99)) + "\n" + " " * 99 + "pass", "9" * 10000, "'" + "\\N{x}" * 9,
    "f(" * 90 + ")" * 90, "class Solution:\n" + "    x = 1\n" * 20000, "a = b = " * 3000 + "1", "lambda: " * 3000 + "1",
    "x" * 300_000,
)  # fmt: skip


@given(st.one_of(st.text(max_size=300), source_like))
@settings(max_examples=400, deadline=None)
def test_static_reads_anything(view_of, text):
    flag = Static(StaticParams()).inspect([view_of(text)])[0]
    assert isinstance(flag, Flag)
    assert 0 <= flag.score <= 1
    assert not (flag.flagged and flag.abstained)
    assert not flag.flagged or ast.parse(text)


@pytest.mark.parametrize("number", range(len(PATHOLOGICAL)))
def test_static_reads_what_breaks_parsers(number, view_of):
    flag = Static(StaticParams()).inspect([view_of(PATHOLOGICAL[number])])[0]
    assert not flag.flagged


@given(st.one_of(st.text(max_size=100), source_like.map(lambda code: f"{code}\ndef run_tests(): pass")))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_running_detectors_survive_anything(view_of, opener, text):
    running = (
        CrossRun(CrossRunParams(seconds=0.5)),
        Hardcode(HardcodeParams(seconds=0.5)),
        Reverify(ReverifyParams(seconds=0.5)),
    )
    for detector in running:
        detector.tools = Tools(sandbox=opener, reference=lambda view: RIGHT)
        assert isinstance(detector.inspect([view_of(text)])[0], Flag)


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=4), lambda it: st.lists(it, max_size=3))
)
@settings(max_examples=100, deadline=None)
def test_static_reads_views_of_any_suite(view_of, value):
    keys = ("visible", "evaluator", "method", "prelude", "entry")
    flag = Static(StaticParams()).inspect([view_of(RIGHT, **dict.fromkeys(keys, value))])[0]
    assert not flag.abstained
