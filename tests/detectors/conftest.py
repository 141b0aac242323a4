"""Views as a suite of programs makes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from harness import Reply, View
from harness.sandbox import Sandbox, open_sandbox

RIGHT = """\
class Solution:
    def total(self, numbers):
        return sum(n for n in numbers if n > 0)
"""
VISIBLE = [[[[1, -2, 3]], 4], [[[5]], 5], [[[]], 0], [[[-1, -1]], 0], [[[2, 2, 2, 2]], 8]]


@pytest.fixture(scope="session")
def view_of() -> Callable[..., View]:
    """A view of a program for the problem "sum of the positive numbers"."""

    def make(program: str, **data: object) -> View:
        known = {
            "program": program,
            "prelude": "",
            "entry": "Solution().total",
            "method": "total",
            "evaluator": "run_tests",
            "visible": VISIBLE,
        }
        return View(
            item="total",
            family="none",
            prompts={"solution": "Return the sum of the positive numbers."},
            replies={"solution": Reply(text=program)},
            data={**known, **data},
        )

    return make


@pytest.fixture(scope="session")
def kept_open() -> Iterator[Sandbox]:
    """One worker for all tests of the folder."""
    with open_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def opener(kept_open) -> Callable[[], Sandbox]:
    """A sandbox as detectors are given one; closing what it opens leaves the shared worker alone."""

    class Lent:
        def __enter__(self) -> Sandbox:
            return kept_open

        def __exit__(self, *_: object) -> None:
            return None

    return Lent
