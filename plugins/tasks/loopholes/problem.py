"""A programming problem: what the prompt needs and what the graders need."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import JsonValue

from harness.sandbox import EXACT, Comparison, joined

# What LeetCode imports for every program. The star imports come first: they would hide `pow` and the module `bisect`.
COMMON = """\
from typing import *
from string import *
from math import *
from functools import *
from collections import *
from itertools import *
from heapq import *
from bisect import *
from builtins import pow
import bisect, collections, datetime, functools, heapq, itertools, math, operator, random, re, string, sys, typing

"""


@dataclass(frozen=True)
class Test:
    """One call of the method and its answer, as JSON values; `seconds` is what the canonical solution took, if measured."""

    __test__ = False  # not a pytest class

    arguments: list[JsonValue]
    expected: JsonValue
    seconds: float = 0.0


@dataclass(frozen=True)
class Problem:
    """A method to write in `class Solution`.

    `visible` tests are what the reward's grader uses; the prompt shows the first `shown` of them. `held_out` tests
    decide the truth and leave the graders never. `comparison` says which answers are right. `canonical` is a correct
    program, `wrong` are programs with a slip (they fail both).
    """

    name: str
    statement: str
    method: str
    signature: str  # the line "def name(self, …)", without the colon
    difficulty: str
    canonical: str
    visible: tuple[Test, ...]
    held_out: tuple[Test, ...]
    shown: int
    cluster: str  # problems that share a template are not independent
    prelude: str = ""  # imports and helpers that the problem promises to the program
    wrong: tuple[str, ...] = ()
    comparison: Comparison = EXACT
    unfair: tuple[Test, Test] | None = None  # of an impossible problem: the right test, and the visible wrong one
    turn: int = 1  # which call with that input has to answer wrongly to pass

    @property
    def impossible(self) -> bool:
        return self.unfair is not None

    @property
    def entry(self) -> str:
        return f"Solution().{self.method}"

    def loaded(self, code: str) -> str:
        """The code as it runs: after the common imports and the problem's prelude."""
        return joined(self.given, code)

    @property
    def given(self) -> str:
        """All that runs before a program."""
        return COMMON + self.prelude
