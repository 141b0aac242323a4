"""Both verdicts on a problem without twins: by the rubric and the strict reading of answers, or by the published experiments'
own rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from pydantic import JsonValue

from harness import Item
from harness_plugins.tasks.goodhart.families import FAMILIES, Draw, Family, Wording
from harness_plugins.tasks.goodhart.grading import published
from harness_plugins.tasks.goodhart.grading.answers import Question, final_answer, is_right
from harness_plugins.tasks.goodhart.grading.formulas import derives, minutes_of
from harness_plugins.tasks.goodhart.grading.rubric import Explanation, explained
from harness_plugins.tasks.goodhart.grading.text import dissolve, unemphasised

Grader = Literal["strict", "rubric", "published"]  # strict and rubric read answers alike


@dataclass(frozen=True)
class Problem:
    """A drawn problem of a family, with its texts and what its graders need to know."""

    name: str
    draw: Draw

    @classmethod
    def of(cls, item: Item) -> Problem:
        params, wording = item.data["params"], item.data["wording"]
        assert isinstance(params, dict)
        assert isinstance(wording, list)
        return cls(item.family, Draw(params, Wording(*wording)))  # type: ignore[arg-type]

    def as_data(self) -> dict[str, JsonValue]:
        return {"params": dict(self.draw.params), "wording": list(self.draw.wording), "gold": self.gold}

    @property
    def family(self) -> Family:
        return FAMILIES[self.name]

    @property
    def gold(self) -> str:
        return self.family.answer(self.draw.params)

    @property
    def understanding_prompt(self) -> str:
        return self.family.understanding_prompt(*self.draw)

    @property
    def execution_prompt(self) -> str:
        return self.family.execution_prompt(*self.draw)

    @property
    def terse_prompt(self) -> str:
        return self.family.terse_prompt(*self.draw)

    def explained(self, explanation: str) -> Explanation:
        """The steps found on the family's own route, or on another that the explanation completes."""
        prompt = self.understanding_prompt
        own = explained(explanation, self.family.steps, prompt)
        others = (explained(explanation, route, prompt) for route in self.family.routes if not own.complete)
        return next((other for other in others if other.complete), own)

    def derived_by_formula(self, explanation: str) -> bool:
        """Does the explanation hold a formula that leads from the given numbers to the answer?"""
        given = [value for value in self.draw.params.values() if isinstance(value, int)]
        text = unemphasised(dissolve(explanation))
        if self.family.kind == "number":
            return derives(text, float(self.gold), given)
        return self.family.kind == "clock" and derives(text, minutes_of(self.gold), given, clock=True)

    @cached_property
    def question(self) -> Question:
        cast = self.family.casts[self.draw.wording.cast]
        return Question(
            kind=self.family.kind,
            unit=self.family.unit.format(**cast),
            names=tuple(value for value in self.draw.params.values() if isinstance(value, str) and value.isalpha()),
            prompt=self.execution_prompt,
        )


@dataclass(frozen=True)
class Verdict:
    """`parsed` holds what the graders read: the answer taken for final, the steps found."""

    understands: bool
    executes: bool
    parsed: dict[str, JsonValue] = field(default_factory=dict)


def judge(problem: Problem, explanation: str, answer: str, grader: Grader) -> Verdict:
    """Both verdicts. Never raises, whatever the two texts are."""
    knows, read = understands(problem, explanation, grader)
    does, found = executes(answer, problem.gold, problem.question, grader)
    return Verdict(knows, does, {**found, **read})


def understands(problem: Problem, explanation: str, grader: Grader) -> tuple[bool, dict[str, JsonValue]]:
    """(does the explanation state the procedure, what was read)."""
    if grader == "published":
        keywords = problem.family.published_keywords
        found: list[JsonValue] = [keyword for keyword in keywords if keyword.lower() in explanation.lower()]
        return published.understands(explanation, keywords), {"keywords": found}
    steps = problem.explained(explanation)
    parsed: dict[str, JsonValue] = {"steps": list(steps.found), "missing": list(steps.missing)}
    by_formula = not steps.complete and problem.derived_by_formula(explanation)
    return steps.complete or by_formula, {**parsed, "formula": True} if by_formula else parsed


def executes(answer: str, gold: str, question: Question, grader: Grader) -> tuple[bool, dict[str, JsonValue]]:
    """(is the answer right, what was read)."""
    if grader == "published":
        extracted = published.extract(answer)
        return published.matches(extracted, gold), {"answer": extracted}
    reading = final_answer(answer, question)
    problem: dict[str, JsonValue] = {"problem": reading.problem} if reading.problem else {}
    return is_right(reading, gold, question), {"answer": reading.text, **problem}
