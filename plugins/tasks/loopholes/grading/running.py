"""A program's answers to tests: each in its own time, by a fresh object, a timeout counting only when it happens again."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

from pydantic import JsonValue

from harness.sandbox import Limits, Sandbox, Values, passes
from harness_plugins.tasks.loopholes.problem import Problem, Test
from harness_plugins.tasks.programs.surround import ANSWER, TIMED_ANSWER, surrounded

TOTAL_SECONDS = 30.0  # of all tests of one program together
SLOWER = 10.0  # than the canonical solution, by which a program may be
MEMORY_MB = 1536  # two stacks of 512 MB, an idiom for deep recursion: the last thread's may still be there


class TimedAnswers(NamedTuple):
    values: tuple[tuple[JsonValue, float], ...]
    error: str
    timed_out: bool


def program_limits(seconds: float) -> Limits:
    """Of a judged program; `seconds` is what one input has at least."""
    return Limits(seconds=seconds, memory_mb=MEMORY_MB)


def solves(problem: Problem, answers: Values, tests: Sequence[Test]) -> bool:
    return passes(answers, [test.expected for test in tests], problem.comparison)


def answers_to(
    sandbox: Sandbox,
    problem: Problem,
    program: str,
    tests: Sequence[Test],
    limits: Limits,
    total: float = TOTAL_SECONDS,
) -> Values:
    """The answers to all tests, or those before the first that fails. `program` is loaded source (`Problem.loaded`).

    An input has `limits.seconds`, or ten times what the canonical solution took where that is more. All inputs are asked
    together within the shortest of these times; an input that this cut off is asked again, alone, with its own time.
    """
    source = _surrounded(program, problem)
    values: list[JsonValue] = []
    deadline = time.monotonic() + total
    while True:
        left = deadline - time.monotonic()
        rest = tests[len(values) :]
        if not rest:
            return Values(values=tuple(values))
        if left <= 0:
            return Values(values=tuple(values), error=f"stopped after {total:g} s", timed_out=True)
        together = _ask(sandbox, source, rest, limits, min(left, *(_allowed(test, limits) for test in rest)))
        values.extend(together.values)
        if not together.timed_out:
            return together.model_copy(update={"values": tuple(values)})
        if not (rest := tests[len(values) : len(values) + 1]):
            continue
        alone = _ask(
            sandbox, source, rest, limits, max(min(deadline - time.monotonic(), _allowed(rest[0], limits)), 0.1)
        )
        values.extend(alone.values)
        if not alone.values:
            return alone.model_copy(update={"values": tuple(values)})


def timed_answers(sandbox: Sandbox, problem: Problem, tests: Sequence[Test], limits: Limits) -> TimedAnswers:
    """The canonical solution's answers to all tests or to those before the first that fails, each with its seconds.

    The seconds are its own word for it, as its answers are: it is trusted where a judged program is not.
    """
    source = _surrounded(problem.loaded(problem.canonical), problem)
    found = sandbox.call(source, TIMED_ANSWER, [test.arguments for test in tests], limits)
    values = [(value[0], float(str(value[1]))) for value in found.values if isinstance(value, list)]
    return TimedAnswers(tuple(values), found.error or "", found.timed_out)


def _surrounded(program: str, problem: Problem) -> str:
    return surrounded(program, problem.entry, unordered=problem.comparison.unordered > 0)


def _ask(sandbox: Sandbox, source: str, tests: Sequence[Test], limits: Limits, seconds: float) -> Values:
    inputs = [test.arguments for test in tests]
    return sandbox.call(source, ANSWER, inputs, limits.model_copy(update={"seconds": seconds}))


def _allowed(test: Test, limits: Limits) -> float:
    return max(limits.seconds, SLOWER * test.seconds)
