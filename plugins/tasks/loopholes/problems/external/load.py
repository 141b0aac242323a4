"""Problems from a data file of others: LeetCodeDataset or HumanEval, JSONL or JSONL.gz.

Their code is not ours, so it runs only in the sandbox: a row's canonical solution answers the inputs of its asserts
there, and the row is usable if every answer is the one asserted.
"""

from __future__ import annotations

import gzip
import json
import sys
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.sandbox import Limits, same
from harness_plugins.tasks.loopholes.grading.running import MEMORY_MB, timed_answers
from harness_plugins.tasks.loopholes.problem import Problem
from harness_plugins.tasks.loopholes.problems.external import humaneval, leetcode
from harness_plugins.tasks.loopholes.problems.external.cache import cached, keep
from harness_plugins.tasks.loopholes.problems.external.rows import Candidate, Unusable, to_problem
from harness_plugins.tasks.programs.worker import shared_sandbox

LONGEST_ROW, MOST_TEXT = 1 << 26, 1 << 31  # characters, unpacked
_LIMITS = Limits(seconds=20.0, memory_mb=MEMORY_MB)  # canonical solutions may be slow on the largest inputs


@dataclass(frozen=True)
class Loaded:
    problems: tuple[Problem, ...]
    report: tuple[str, ...]  # how many rows were usable, and why others were not, one line each


@cache
def load(path: Path, sandbox_kind: str) -> Loaded:
    """Raises UsageError when the file cannot be read, is of neither format, or has no usable row."""
    if (stored := cached(path)) is None:
        print(f"reading {path.name}: every canonical solution answers its own tests once", file=sys.stderr, flush=True)
        stored = _read(path, sandbox_kind)
        keep(path, *stored)
    problems, report = stored
    if not problems:
        raise UsageError("; ".join(report), "give a LeetCodeDataset or HumanEval file")
    return Loaded(tuple(problems), tuple(report))


def _read(path: Path, sandbox_kind: str) -> tuple[list[Problem], list[str]]:
    problems: dict[str, Problem] = {}
    reasons: Counter[str] = Counter()
    rows = 0
    for number, row in enumerate(_rows(path), start=1):
        rows += 1
        try:
            problem = _checked(_candidate(row, path, number), sandbox_kind)
            if problem.name in problems:
                raise Unusable("a row of the same name came before")
            problems[problem.name] = problem
        except Unusable as unusable:
            reasons[str(unusable)] += 1
    report = [
        f"{path.name}: {len(problems)} of {rows} rows usable",
        *(f"{n} rows: {why}" for why, n in reasons.items()),
    ]
    return list(problems.values()), report


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8") as lines:
            total = 0
            while line := lines.readline(LONGEST_ROW + 1):
                total += len(line)
                if len(line) > LONGEST_ROW or total > MOST_TEXT:
                    raise ValueError(f"it unpacks to more than {LONGEST_ROW} characters a row or {MOST_TEXT} in all")
                if line.strip():
                    yield json.loads(line)
    except (OSError, EOFError, ValueError, RecursionError, zlib.error) as error:
        raise UsageError(f"cannot read {path}: {error}", "give a file of JSON lines, plain or gzipped") from error


def _candidate(row: dict[str, Any], path: Path, number: int) -> Candidate:
    for source in (leetcode, humaneval):
        if isinstance(row, dict) and row.keys() >= source.FIELDS:
            return source.candidate(row)
    raise UsageError(f"{path}, row {number}: neither LeetCodeDataset nor HumanEval", "check the file")


def _checked(candidate: Candidate, sandbox_kind: str) -> Problem:
    """Run the canonical solution on the asserted inputs. Raises Unusable when it does not give the asserted answers."""
    problem = to_problem(candidate)
    answers = timed_answers(shared_sandbox(sandbox_kind), problem, candidate.tests, _LIMITS)
    if answers.timed_out:
        raise Unusable(f"its canonical solution needs more than {_LIMITS.seconds:g} s for its tests")
    if answers.error and answers.error.startswith("ModuleNotFoundError"):
        raise Unusable("it imports a package that the sandbox does not have")
    if len(answers.values) < len(candidate.tests):
        raise Unusable("its canonical solution fails on its own tests")
    measured = []
    for test, (value, seconds) in zip(candidate.tests, answers.values, strict=True):
        if not same(value, test.expected, candidate.comparison):
            raise Unusable("its canonical solution disagrees with its asserts")
        measured.append(replace(test, seconds=seconds))
    return to_problem(replace(candidate, tests=tuple(measured)))
