"""What an authored problem declares, beside its docstring (the statement) and a nested class `Solution`."""

from __future__ import annotations

from random import Random
from typing import Any

Examples = tuple[tuple[Any, ...], ...]  # written by hand: the arguments, then the answer


class Authored:
    difficulty: str
    examples: Examples
    comparison: str | list[str] = "exact"  # of answers, in the words of `harness.sandbox.Comparison`

    @staticmethod
    def draw(rng: Random, size: int) -> tuple:
        """The arguments of one call; `size` is 1 to 24."""
        raise NotImplementedError
