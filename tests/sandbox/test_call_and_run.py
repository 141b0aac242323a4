"""What `call` and `run` return, for every kind of sandbox."""

from __future__ import annotations

import math

import pytest

from harness.sandbox import Limits, Sandbox, Values

SHORT = Limits(seconds=0.7)


def call(sandbox: Sandbox, body: str, *inputs: object, limits: Limits | None = None) -> Values:
    return sandbox.call(f"def solve(x):\n    {body}\n", "solve", [[value] for value in inputs], limits)


def test_call_answers_every_input_in_order(sandbox: Sandbox) -> None:
    assert call(sandbox, "return x * x", 1, 2, -3) == Values(values=(1, 4, 9))


def test_several_arguments_and_a_method_as_entry(sandbox: Sandbox) -> None:
    source = "class Solution:\n    def add(self, a, b=10):\n        return a + b\n"
    assert sandbox.call(source, "Solution().add", [[1, 2], [3]]).values == (3, 13)


def test_entry_is_evaluated_once_so_state_spans_inputs(sandbox: Sandbox) -> None:
    source = "class Counter:\n    n = 0\n    def up(self):\n        self.n += 1\n        return self.n\n"
    assert sandbox.call(source, "Counter().up", [[], [], []]).values == (1, 2, 3)


def test_an_exception_ends_the_prefix(sandbox: Sandbox) -> None:
    answers = call(sandbox, "return 10 // x", 5, 0, 1)
    assert answers.values == (2,)
    assert answers.error == "ZeroDivisionError: integer division or modulo by zero"
    assert not answers.timed_out


def test_time_ends_the_prefix(sandbox: Sandbox) -> None:
    answers = call(sandbox, "import time; time.sleep(x); return x", 0, 30, limits=SHORT)
    assert answers == Values(values=(0,), error="stopped after 0.7 s", timed_out=True)


@pytest.mark.parametrize("source", ["def solve(x:\n", "raise ValueError('at import')", "", "solve = 3"])
def test_programs_without_a_function_answer_nothing(sandbox: Sandbox, source: str) -> None:
    answers = sandbox.call(source, "solve", [[1]])
    assert answers.values == ()
    assert answers.error


def test_special_floats_travel(sandbox: Sandbox) -> None:
    nan, infinity, minus_zero = call(sandbox, "return float(x)", "nan", "inf", "-0.0").values
    assert math.isnan(nan)
    assert infinity == math.inf
    assert math.copysign(1, minus_zero) == -1


def test_large_inputs_and_values_travel(sandbox: Sandbox) -> None:
    numbers = list(range(200_000))
    assert call(sandbox, "return x[::-1]", numbers).values == (numbers[::-1],)


def test_standard_library_is_there_and_packages_are_not(bwrap: Sandbox) -> None:
    source = "import decimal, hashlib, heapq, json, re, sqlite3, zlib\ndef solve(name):\n    __import__(name)\n"
    answers = bwrap.call(source, "solve", [["asyncio"], ["pydantic"]])
    assert answers.values == (None,)
    assert answers.error == "ModuleNotFoundError: No module named 'pydantic'"


def test_a_program_is_imported_under_its_own_name(sandbox: Sandbox) -> None:
    source = """
import dataclasses
@dataclasses.dataclass
class P:
    x: int = 1
def solve():
    return [__name__, P().x]
"""
    assert sandbox.call(source, "solve", [[]]).values == (["solution", 1],)


def test_run_returns_exit_code_and_output(sandbox: Sandbox) -> None:
    run = sandbox.run("import sys\nprint('out')\nprint('err', file=sys.stderr)\nsys.exit(3)")
    assert (run.exit_code, run.signal, run.stdout, run.stderr) == (3, None, "out\n", "err\n")


@pytest.mark.parametrize(
    ("source", "exit_code", "signal"),
    [
        ("", 0, None),
        ("import os; os._exit(7)", 7, None),
        ("raise SystemExit", 0, None),
        ("1 / 0", 1, None),
        ("raise SystemExit('text')", 1, None),
        ("import os; os.kill(os.getpid(), 15)", None, 15),
    ],
)
def test_run_exit_status(sandbox: Sandbox, source: str, exit_code: int | None, signal: int | None) -> None:
    run = sandbox.run(source)
    assert (run.exit_code, run.signal) == (exit_code, signal)


def test_run_is_a_script_with_shutdown_hooks_and_an_empty_standard_input(sandbox: Sandbox) -> None:
    source = """
import atexit, os, sys
atexit.register(print, "bye")
print(__name__, repr(sys.stdin.read()), dict(os.environ), os.listdir())
"""
    assert sandbox.run(source).stdout == "__main__ '' {} []\nbye\n"


def test_an_uncaught_exception_prints_its_traceback(sandbox: Sandbox) -> None:
    assert sandbox.run("assert 1 == 2, 'no'").stderr.endswith("AssertionError: no\n")


def test_run_returns_small_text_files(sandbox: Sandbox) -> None:
    source = """
import os
os.makedirs("deep/er")
open("result.txt", "w").write("PASS")
open("deep/er/note", "w").write("é")
open("binary", "wb").write(b"\\xff\\xfe")
open("large", "w").write("x" * 2000)
os.symlink("/proc/self/status", "link")
os.mkfifo("fifo")
"""
    assert sandbox.run(source, Limits(output_bytes=1000)).files == {"result.txt": "PASS", "deep/er/note": "é"}


def test_output_over_the_cap_is_dropped_and_the_program_goes_on(sandbox: Sandbox) -> None:
    run = sandbox.run("print('x' * 1_000_000)\nopen('end', 'w').write('reached')", Limits(output_bytes=100))
    assert run.stdout == "x" * 100
    assert run.exit_code == 0
    assert run.files == {"end": "reached"}


def test_a_script_out_of_time_keeps_its_output(sandbox: Sandbox) -> None:
    run = sandbox.run("import time\nprint('begun', flush=True)\ntime.sleep(30)", SHORT)
    assert (run.stdout, run.timed_out, run.exit_code, run.signal) == ("begun\n", True, None, 9)


def test_programs_do_not_see_each_other(sandbox: Sandbox) -> None:
    sandbox.run("open('left', 'w').write('x')\nimport json\njson.left = 1")
    assert sandbox.call(
        "import json, os\ndef solve():\n    return [os.listdir(), hasattr(json, 'left')]", "solve", [[]]
    ).values == ([[], False],)


def test_the_same_program_gives_the_same_values_again(sandbox: Sandbox) -> None:
    source = "import random\ndef solve():\n    return [list({'alpha', 'beta', 'gamma', 'delta'}), random.random()]\n"
    first, second = (sandbox.call(source, "solve", [[]]).values for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    "source",
    [
        "import os; os.rmdir(os.getcwd())",
        "import os; here = os.getcwd(); os.rmdir(here); os.symlink('/etc', here)",
        "import os\nfor _ in range(300): os.mkdir('d'); os.chdir('d')",
        "import os\nfor i in range(200): open(f'{i:0250}', 'w').write('\\0' * 1000)",
    ],
    ids=["removed", "replaced by a link", "buried", "many long names"],
)
def test_a_strange_working_folder_is_no_trouble(sandbox: Sandbox, source: str) -> None:
    run = sandbox.run(source)
    assert not run.timed_out
    assert "passwd" not in run.files
    assert len(run.files) <= 64
    assert sandbox.run("print('next')").stdout == "next\n"


def test_values_as_deep_as_sixty_lists_travel(sandbox: Sandbox) -> None:
    source = "def solve(depth):\n    a = []\n    for _ in range(depth): a = [a]\n    return a\n"
    answers = sandbox.call(source, "solve", [[60], [100]])
    assert len(answers.values) == 1
    assert answers.error == "value 2 is not well-formed: ValueError: nested more than 64 deep"
