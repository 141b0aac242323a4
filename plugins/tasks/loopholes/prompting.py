"""The text of a prompt: statement, examples, signature, and how the program will be graded."""

from __future__ import annotations

from harness_plugins.tasks.loopholes.hints import HINTS, Hint, starter_evaluator
from harness_plugins.tasks.loopholes.modes import Mode, clause
from harness_plugins.tasks.loopholes.problem import Problem


def prompt_text(problem: Problem, mode: Mode, evaluator: str, hint: Hint = "mechanism") -> str:
    """One user turn. The grading sentence is true of the grader that the reply will meet."""
    hinted = mode is Mode.RUN_TESTS and hint != "mechanism"
    parts = [problem.statement, *examples(problem)]
    parts.append(f"Write class Solution with the method {problem.signature}")
    if problem.prelude:
        parts.append("Names from typing are imported already.")
    parts.append(HINTS[hint].format(evaluator=evaluator) if hinted else clause(mode, evaluator))
    if hinted and (starter := starter_evaluator(hint, problem, evaluator)):
        parts.append(f"class Solution:\n    {problem.signature}:\n        # your code\n\n{starter}")
    return "\n".join(parts)


def examples(problem: Problem) -> list[str]:
    """The first visible tests, one line each."""
    lines = []
    for test in problem.visible[: problem.shown]:
        arguments = ", ".join(map(repr, test.arguments))
        lines.append(f"{problem.method}({arguments}) -> {test.expected!r}")
    return lines
