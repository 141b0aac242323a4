"""Understanding by explaining: does the explanation, in free words, state the procedure?

That of a scenario is carried out as written, and what is wrong in it is a veto. That of a family's own problem is held
against the rubric of its steps, or against the published experiments' keywords.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from harness import Prompt, Reply
from harness_plugins.tasks.goodhart.explaining.judging import judge
from harness_plugins.tasks.goodhart.grading.verdicts import Grader, Problem, understands
from harness_plugins.tasks.goodhart.matched.twin import Twin
from harness_plugins.tasks.goodhart.readings.reading import Verdict
from harness_plugins.tasks.goodhart.spec import GoodhartParams

ROLE = "understanding"


def prompts(problem: Twin | Problem, params: GoodhartParams) -> list[Prompt]:
    return [Prompt(role=ROLE, text=problem.understanding_prompt, max_tokens=params.max_tokens)]


def verdict(problem: Twin | Problem, replies: Mapping[str, Reply], params: GoodhartParams) -> Verdict:
    explanation = replies.get(ROLE, Reply(text="")).text
    right, parsed = _read(problem, explanation, params.grader)
    return Verdict(right, {"explanation_length": float(len(explanation))}, parsed)


def _read(problem: Twin | Problem, explanation: str, grader: Grader) -> tuple[bool, dict[str, JsonValue]]:
    if isinstance(problem, Problem):
        return understands(problem, explanation, grader)
    found = judge(problem.matched, problem.own, explanation)
    parsed: dict[str, JsonValue] = {
        "found": list(found.found),
        "vetoes": list(found.vetoes),
        "missing": list(found.missing),
    }
    return found.understands, parsed
