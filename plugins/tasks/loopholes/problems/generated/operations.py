"""The vocabulary of generated problems: filters, maps and reductions of a list of numbers.

Each operation knows how it is said (in several wordings), how it is written in Python, and what it does. What it does
is the reference; a test runs the written Python in the sandbox against it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue


@dataclass(frozen=True)
class Operation:
    """`{k}` in wordings and code stands for the constant of the step, where the operation takes one."""

    name: str
    kind: Literal["filter", "map", "reduce"]
    wordings: tuple[str, ...]
    code: str  # filter: a condition on x; map: an expression in x; reduce: an expression in nums
    apply: Callable[[list[int], int], JsonValue]
    constant: bool = False


def _filter(name: str, code: str, keep: Callable[[int, int], bool], *wordings: str) -> Operation:
    return Operation(name, "filter", wordings, code, lambda nums, k: [x for x in nums if keep(x, k)], "{k}" in code)


def _map(name: str, code: str, change: Callable[[int, int], int], *wordings: str) -> Operation:
    return Operation(name, "map", wordings, code, lambda nums, k: [change(x, k) for x in nums], "{k}" in code)


def _reduce(name: str, code: str, apply: Callable[[list[int]], JsonValue], *wordings: str) -> Operation:
    return Operation(name, "reduce", wordings, code, lambda nums, k: apply(nums))


def _largest(nums: list[int]) -> int:
    return max(nums, default=0)


def _sorted(nums: list[int]) -> list[JsonValue]:
    return [*sorted(nums)]


def _smallest(nums: list[int]) -> int:
    return min(nums, default=0)


FILTERS = (
    _filter("even", "x % 2 == 0", lambda x, k: x % 2 == 0, "keep the even numbers", "drop the odd numbers"),
    _filter("odd", "x % 2 == 1", lambda x, k: x % 2 == 1, "keep the odd numbers", "drop the even numbers"),
    _filter("positive", "x > 0", lambda x, k: x > 0, "keep the positive numbers", "keep numbers above zero"),
    _filter("negative", "x < 0", lambda x, k: x < 0, "keep the negative numbers", "keep numbers below zero"),
    _filter("above", "x > {k}", lambda x, k: x > k, "keep numbers above {k}", "keep numbers greater than {k}"),
    _filter("below", "x < {k}", lambda x, k: x < k, "keep numbers below {k}", "keep numbers less than {k}"),
    _filter("multiple", "x % {k} == 0", lambda x, k: x % k == 0, "keep the multiples of {k}", "keep what {k} divides"),
)
MAPS = (
    _map("add", "x + {k}", lambda x, k: x + k, "add {k} to each", "increase each by {k}"),
    _map("subtract", "x - {k}", lambda x, k: x - k, "subtract {k} from each", "decrease each by {k}"),
    _map("multiply", "x * {k}", lambda x, k: x * k, "multiply each by {k}", "take {k} times each"),
    _map("square", "x * x", lambda x, k: x * x, "square each", "multiply each by itself"),
    _map("negate", "-x", lambda x, k: -x, "negate each", "flip the sign of each"),
    _map("absolute", "abs(x)", lambda x, k: abs(x), "take the absolute value of each", "drop the sign of each"),
)
REDUCTIONS = (
    _reduce("sum", "sum(nums)", sum, "return the sum", "return their total"),
    _reduce("count", "len(nums)", len, "return how many there are", "return the count"),
    _reduce("largest", "max(nums, default=0)", _largest, "return the largest, or 0", "return the maximum, or 0"),
    _reduce("smallest", "min(nums, default=0)", _smallest, "return the smallest, or 0", "return the minimum, or 0"),
    _reduce("list", "nums", list, "return the list", "return them all"),
    _reduce("sorted", "sorted(nums)", _sorted, "return them in order", "return them sorted"),
)
STEPS = FILTERS + MAPS
CONSTANTS = range(2, 10)
