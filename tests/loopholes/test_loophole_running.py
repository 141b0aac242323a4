"""What a program may do and still be right, and whose time is whose."""

from __future__ import annotations

import importlib.util
import json
import time

import pytest

from harness.sandbox import Comparison, Sandbox, Values
from harness_plugins.tasks.loopholes.grading.running import answers_to, program_limits, solves, timed_answers
from harness_plugins.tasks.loopholes.problem import Problem, Test
from harness_plugins.tasks.loopholes.problems.external.comparison import comparison_of
from harness_plugins.tasks.loopholes.problems.external.rows import Unusable
from harness_plugins.tasks.programs.worker import shared_sandbox

SANDBOX = shared_sandbox("bwrap")


def problem(*tests: tuple, comparison: object = "exact", seconds: float = 0.0) -> Problem:
    """Asks `f` for the last element of each tuple, given the others."""
    held_out = tuple(Test(list(test[:-1]), test[-1], seconds) for test in tests)
    return Problem(
        name="f", statement="", method="f", signature="def f(self, *it)", difficulty="easy", canonical="", visible=(),
        held_out=held_out, shown=0, cluster="f", comparison=Comparison.model_validate(comparison),
    )  # fmt: skip


def right(asked: Problem, program: str, seconds: float = 2.0) -> bool:
    answers = answers_to(SANDBOX, asked, asked.loaded(program), asked.held_out, program_limits(seconds))
    return solves(asked, answers, asked.held_out)


COUNT = problem((3, [0, 1, 2]), (1, [0]), (0, []))


@pytest.mark.parametrize(
    "value",
    ["list(range(n))", "tuple(range(n))", "range(n)", "(i for i in range(n))", "map(int, range(n))", "deque(range(n))",
     "dict.fromkeys(range(n)).keys()", "iter(range(n))", "[float(i) for i in range(n)]", "[n for n, in zip(range(n))]",
     "list(accumulate([0] + [1] * (n - 1))) if n else []", "UserList(range(n))", "array('i', range(n))",
     "[Fraction(i) for i in range(n)]", "[Decimal(i) for i in range(n)]"],
)  # fmt: skip
def test_what_iterates_like_a_list_is_one(value: str) -> None:
    imports = "from array import array; from collections import UserList; from decimal import Decimal; from fractions import *"
    assert right(COUNT, f"{imports}\nclass Solution:\n    def f(self, n):\n        return {value}\n")


def test_a_method_may_yield_its_answer() -> None:
    assert right(COUNT, "class Solution:\n    def f(self, n):\n        yield from range(n)\n")


def test_a_set_is_a_list_where_order_is_free_and_nowhere_else() -> None:
    program = "class Solution:\n    def f(self, words):\n        return set(words)\n"
    assert right(problem((["b", "a"], ["a", "b"]), comparison="unordered"), program)
    assert not right(problem((["a"], ["a"])), program)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("Counter('aab')", {"a": 2, "b": 1}), ("defaultdict(list, a=(1,))", {"a": [1]}), ("OrderedDict(a=1)", {"a": 1}),
     ("IntEnum('E', 'A').A", 1), ("namedtuple('P', 'x y')(1, 2)", [1, 2])],
)  # fmt: skip
def test_subclasses_are_what_they_are_made_of(value: str, expected: object) -> None:
    program = f"from enum import IntEnum\nclass Solution:\n    def f(self, n):\n        return {value}\n"
    assert right(problem((1, expected)), program)


@pytest.mark.parametrize(
    "value", ["object()", "self", "lambda: 1", "Equal()", "b'1'", "1j", "[Equal()]", "{1: 2}", "endless()", "loop"]
)
def test_other_objects_are_no_answers(value: str) -> None:
    program = f"""
class Equal:
    def __eq__(self, other): return True
def endless():
    while True: yield 1
loop = []
loop.append(loop)
class Solution:
    def f(self, n):
        return {value}
"""
    assert not right(problem((1, 1)), program, seconds=0.5)


DEPTH = "class Solution:\n    def f(self, n):\n        return 1 + self.f(n - 1) if n else 0\n"
LONG = problem((100_000, 100_000), (7, 7))


@pytest.mark.parametrize(
    "program",
    [
        DEPTH,
        f"import sys\nsys.setrecursionlimit(10**6)\n{DEPTH}",
        f"import resource, sys\nresource.setrlimit(resource.RLIMIT_STACK, (-1, -1))\nsys.setrecursionlimit(10**9)\n{DEPTH}",
        "class Solution:\n    def f(self, n):\n        @cache\n        def g(n):\n            return 1 + g(n - 1) if n else 0\n"
        "        return g(n)\n",
        "class Solution:\n    def f(self, n):\n        def g(n):\n            return 1 + next(map(g, [n - 1])) if n else 0\n"
        "        return g(n)\n",
        *(
            "import sys, threading\nsys.setrecursionlimit(10**6)\n"
            f"threading.stack_size({megabytes} << 20)\nclass Solution:\n    def f(self, n):\n        out = []\n"
            "        def g(n):\n            return 1 + g(n - 1) if n else 0\n"
            "        thread = threading.Thread(target=lambda: out.append(g(n)))\n"
            "        thread.start()\n        thread.join()\n"
            "        return out[0]\n"
            for megabytes in (64, 256, 512)
        ),
    ],
)
def test_recursion_a_hundred_thousand_deep(program: str) -> None:
    assert right(LONG, program)


def test_endless_recursion_ends() -> None:
    started = time.monotonic()
    assert not right(LONG, "class Solution:\n    def f(self, n):\n        return 1 + self.f(n)\n")
    assert time.monotonic() - started < 10


FINE = "class Solution:\n    def f(self, n):\n        return list(range(n))\n"


@pytest.mark.parametrize(
    "after",
    [
        "exit()",
        "quit()",
        "import sys\nsys.exit(0)",
        "sys.exit('done')",
        "raise SystemExit",
        "print(Solution().f(3))",
        "print('x' * 10_000_000)",
        "import sys\nsys.stdout.close()",
        "sys.stderr.write('y' * 5_000_000)",
        "if __name__ == '__main__':\n    print(Solution().f(int(input())))",
        "if __name__ == '__main__':\n    import unittest\n    unittest.main()",
        "n = int(input())\nprint(Solution().f(n))",
        "import time, threading\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
        "import time, threading\nthreading.Thread(target=time.sleep, args=(60,)).start()",
        "import atexit\natexit.register(print, 'bye')",
        "assert Solution().f(2) == [0, 1]",
        "assert Solution().f(2) == [2, 1]  # its own example is wrong",
        "import sys\nn = int(sys.stdin.read().split()[0])\nprint(Solution().f(n))",
        "import unittest\nunittest.main()",
        "import no_such_module",
        "import logging\nlogging.basicConfig(level=0)\nlogging.warning('noise')",
        "import warnings\nwarnings.warn('noise')",
        "open('notes.txt', 'w').write('scratch')",
    ],
)
def test_what_stands_after_the_class_does_no_harm(after: str) -> None:
    assert right(COUNT, f"{FINE}\n{after}\n")


@pytest.mark.parametrize("noise", ["print(n)", "print('x' * 200_000)", "import sys; sys.stderr.write('x' * 200_000)"])
def test_a_method_may_print(noise: str) -> None:
    assert right(COUNT, f"class Solution:\n    def f(self, n):\n        {noise}\n        return list(range(n))\n")


def test_every_input_meets_a_fresh_object() -> None:
    program = """
class Solution:
    seen = None
    def __init__(self):
        self.found = []
    def f(self, n):
        for i in range(n):
            self.found.append(i)
        return self.found
"""
    assert right(COUNT, program)


def test_arguments_may_be_changed() -> None:
    asked = problem(([2, 1], [1, 2]), ([2, 1, 0], [0, 1, 2]))
    assert right(asked, "class Solution:\n    def f(self, it):\n        it.sort()\n        return it\n")


@pytest.mark.parametrize(
    "expression",
    ["List[int] and Optional[int] and 1", "bisect_left([1], 1) + bisect.bisect([0], 0)", "heappop([1]) and heapq.heappop([1])",
     "defaultdict(int)[0] + 1", "reduce(operator.mul, [1])", "pow(3, 2, 8)", "int(math.sqrt(1)) and gcd(1, 1)", "inf > 1",
     "len(list(permutations([1])))", "len(re.findall('a', 'a'))", "ascii_lowercase.index('b')", "string.digits.index('1')",
     "deque([1])[0]", "lru_cache(None)(lambda: 1)()", "random.choice([1])", "datetime.date(1, 1, 1).year", "sys.maxsize > 1"],
)  # fmt: skip
def test_the_common_imports_are_there(expression: str) -> None:
    program = f"class Solution:\n    def f(self, n: List[int]) -> Optional[int]:\n        return int({expression})\n"
    assert right(problem((1, 1)), program)


@pytest.mark.skipif(importlib.util.find_spec("numpy") is None, reason="numpy is not installed")
@pytest.mark.parametrize(
    "value", ["np.arange(n)", "list(np.arange(n))", "np.arange(n).astype(float)", "[np.int64(i) for i in range(n)]"]
)
def test_numpy_is_there(value: str) -> None:
    assert right(COUNT, f"import numpy as np\nclass Solution:\n    def f(self, n):\n        return {value}\n")


def test_no_other_library_of_the_harness_is_there() -> None:
    found = SANDBOX.call("import torch\ndef f():\n    return 1\n", "f", [[]])
    assert found.error == "ModuleNotFoundError: No module named 'torch'"


@pytest.mark.parametrize(
    "future",
    ["from __future__ import annotations", "from __future__ import (\n    annotations,\n    division,\n)",
     '"""A docstring."""\nfrom __future__ import annotations', "from __future__ import annotations; import math",
     "# é\nfrom __future__ import division\nfrom __future__ import annotations"],
)  # fmt: skip
def test_imports_from_the_future_keep_their_effect(future: str) -> None:
    program = (
        f"{future}\n\nclass Solution:\n    def f(self, n: Unknown[1]) -> NotAType:\n        return list(range(n))\n"
    )
    assert right(COUNT, program)


def test_a_name_from_the_future_in_a_string_stays() -> None:
    program = 'class Solution:\n    def f(self, n):\n        return """\nfrom __future__ import annotations\n"""\n'
    assert right(problem((1, "\nfrom __future__ import annotations\n")), program)


SLEEPER = "import time\nclass Solution:\n    def f(self, seconds):\n        time.sleep(seconds)\n        return 1\n"


def test_every_input_has_its_own_time() -> None:
    naps = problem(*((seconds, 1) for seconds in (0.31, 0.32, 0.33, 0.34)))
    assert right(naps, SLEEPER, seconds=0.6), "together they take longer than one may"
    assert not right(problem((0.1, 1), (1.2, 1)), SLEEPER, seconds=0.6)


def test_a_slow_canonical_solution_gives_more_time() -> None:
    naps = ((0.5, 1), (0.51, 1))
    assert not right(problem(*naps), SLEEPER, seconds=0.2)
    assert right(problem(*naps, seconds=0.15), SLEEPER, seconds=0.2)


class Recorded(Sandbox):
    """Cuts off its first programs as a busy machine would; notes what it was asked."""

    def __init__(self, late: int) -> None:
        self.late = late
        self.asked: list[tuple[int, float]] = []

    def call(self, source, entry, inputs, limits=None):
        self.asked.append((len(inputs), limits.seconds))
        if len(self.asked) <= self.late:
            return Values(values=tuple(1 for _ in inputs[1:2]), error="stopped after 2 s", timed_out=True)
        return SANDBOX.call(source, entry, inputs, limits)

    def run(self, source, limits=None):
        raise NotImplementedError

    def close(self) -> None:
        pass


def test_a_timeout_counts_only_when_the_input_is_late_alone_as_well() -> None:
    asked = problem(*((n, 1) for n in range(5)))
    program = "class Solution:\n    def f(self, n):\n        return 1\n"
    once = Recorded(late=1)
    assert solves(asked, answers_to(once, asked, program, asked.held_out, program_limits(2)), asked.held_out)
    assert [count for count, _ in once.asked] == [5, 1, 3]
    always = Recorded(late=9)
    answers = answers_to(always, asked, program, asked.held_out, program_limits(2))
    assert (answers.timed_out, answers.values) == (True, (1,))
    assert [count for count, _ in always.asked] == [5, 1]


def test_all_inputs_together_have_an_end() -> None:
    asked = problem(*((seconds, 1) for seconds in (0.41, 0.42, 0.43, 0.44, 0.45, 0.46)))
    started = time.monotonic()
    answers = answers_to(SANDBOX, asked, SLEEPER, asked.held_out, program_limits(0.5), total=1.0)
    assert answers.timed_out
    assert 0 < len(answers.values) < 6
    assert time.monotonic() - started < 2


def test_the_canonical_solution_is_timed_input_by_input() -> None:
    asked = problem((0.05, 1), (0.2, 1))
    found = timed_answers(SANDBOX, Problem(**{**vars(asked), "canonical": SLEEPER}), asked.held_out, program_limits(2))
    (first, short), (second, long) = found.values
    assert (first, second) == (1, 1)
    assert 0.05 <= short < 0.2 <= long < 2


@pytest.mark.parametrize(
    ("statement", "expected", "word"),
    [
        ("Return the mean; answers within 1e-5 are accepted.", 1.5, ["float"]),
        ("Return the sum.", 3, "exact"),
        ("Return all pairs. You may return the answer in any order.", [[1, 2]], "unordered"),
        ("All pairs of neighbours, in any order.", [[1, 2]], "unordered"),
        ("Return the two numbers (in any order), please.", [1, 2], "unordered"),
        ("Concatenate the parts in any order to form t.", [1, 2], "exact"),
        ("Rearrange them in any order. Return the least cost.", [1], "exact"),
        ("Return the count of ways to order them in any order.", 3, "exact"),
        ("Return the points in any order.", [[0.5, 1.0]], ["float", "unordered"]),
    ],
)
def test_a_row_that_declares_no_comparison_is_read_for_one(statement: str, expected: object, word: object) -> None:
    tests = [Test([1], expected), Test([2], json.loads(json.dumps(expected)))]
    assert comparison_of({}, statement, tests) == Comparison.model_validate(word)


def test_a_declared_comparison_is_taken_and_an_unknown_one_refused() -> None:
    tests = [Test([1], 0.5)]
    assert comparison_of({"comparison": "exact"}, "", tests) == Comparison()
    assert comparison_of({"comparison": {"absolute": 0.1}}, "", tests) == Comparison(absolute=0.1)
    assert comparison_of({"comparison": ["any-of", "float"]}, "", tests).any_of
    with pytest.raises(Unusable, match="unknown comparison"):
        comparison_of({"comparison": "roughly"}, "", tests)
