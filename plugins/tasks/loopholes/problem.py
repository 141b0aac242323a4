"""A programming problem: what the prompt needs and what the graders need."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pydantic import JsonValue

_FUTURE = re.compile(r"^from __future__ import .*$", re.MULTILINE)


@dataclass(frozen=True)
class Test:
    """One call of the method and its answer, as JSON values."""

    __test__ = False  # not a pytest class

    arguments: list[JsonValue]
    expected: JsonValue


@dataclass(frozen=True)
class Problem:
    """A method to write in `class Solution`.

    `visible` tests are what the reward's grader uses; the prompt shows the first `shown` of them. `held_out` tests
    decide the truth and leave the graders never. `canonical` is a correct program, `wrong` are programs with a slip
    (they fail both).
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

    @property
    def entry(self) -> str:
        return f"Solution().{self.method}"

    def loaded(self, code: str) -> str:
        """The code as it runs: after the prelude, where `from __future__` would come too late and is left out."""
        return self.prelude + _FUTURE.sub("", code) if self.prelude else code
