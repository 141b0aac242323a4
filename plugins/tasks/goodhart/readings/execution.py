"""Execution: is the answer right? Asked for with working shown, or for the answer alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from harness import Prompt, Reply
from harness_plugins.tasks.goodhart.grading.answers import Question
from harness_plugins.tasks.goodhart.grading.verdicts import executes
from harness_plugins.tasks.goodhart.grading.working import shows_working
from harness_plugins.tasks.goodhart.readings.reading import Verdict
from harness_plugins.tasks.goodhart.spec import GoodhartParams


class Executed(Protocol):
    @property
    def gold(self) -> str: ...
    @property
    def question(self) -> Question: ...
    @property
    def execution_prompt(self) -> str: ...
    @property
    def terse_prompt(self) -> str: ...


@dataclass(frozen=True)
class Execution:
    """`measure` counts the replies whose form is not the one asked for."""

    role: str
    text: Callable[[Executed], str]
    measure: str
    shown: bool  # whether working is asked for

    def prompts(self, problem: Executed, params: GoodhartParams, /) -> list[Prompt]:
        return [Prompt(role=self.role, text=self.text(problem), max_tokens=params.max_tokens)]

    def verdict(self, problem: Executed, replies: Mapping[str, Reply], params: GoodhartParams, /) -> Verdict:
        reply = replies.get(self.role, Reply(text=""))
        right, parsed = executes(reply.text, problem.gold, problem.question, params.grader)
        shown = shows_working(reply.text, problem.question, self.text(problem))
        return Verdict(right, {self.measure: float(shown != self.shown)}, parsed)


WORKED = Execution("execution", lambda problem: problem.execution_prompt, "no_working", shown=True)
TERSE = Execution("execution/terse", lambda problem: problem.terse_prompt, "working_anyway", shown=False)
