"""A family's story as a generator of matched sets: k scenarios and the k procedures of which each fits one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction

from harness_plugins.tasks.goodhart.families.base import (
    EXECUTION_CLOSINGS,
    OPENINGS,
    TERSE_CLOSINGS,
    UNDERSTANDING_CLOSINGS,
    Family,
    Params,
)
from harness_plugins.tasks.goodhart.families.split import Draw
from harness_plugins.tasks.goodhart.grading.answers import Question
from harness_plugins.tasks.goodhart.matched.sheet import Number, Sheet, decimal
from harness_plugins.tasks.goodhart.matched.template import Cell, cells, render


@dataclass(frozen=True)
class Scenario:
    """One turn of the story: an ordinary problem, whose twins are the set's other scenarios."""

    cell: Cell
    text: str  # the opening and the story
    gold: str
    working: tuple[str, ...]  # the lines of a worked solution, without the answer's line
    understanding_prompt: str
    execution_prompt: str
    terse_prompt: str  # asks for the answer without working
    answer_format: str  # completes "'Answer:' and …"
    question: Question  # what the grader of its execution needs to know

    @property
    def worked(self) -> str:
        """A worked solution whose last line is "Answer: " and the gold answer."""
        return "\n".join((*self.working, f"Answer: {self.gold}"))


@dataclass(frozen=True)
class Procedure:
    """A procedure in several wordings, and the value that carrying it out gives."""

    paraphrases: tuple[str, ...]
    value: str


@dataclass(frozen=True)
class MatchedSet:
    """k scenarios and k procedures; procedure i is right in scenario i and in no other."""

    family: str
    kind: str
    draw: Draw
    scenarios: tuple[Scenario, ...]
    procedures: tuple[Procedure, ...]

    def worded(self, count: int) -> MatchedSet:
        """The same set with the first so many paraphrases of each procedure."""
        procedures = (Procedure(each.paraphrases[:count], each.value) for each in self.procedures)
        return replace(self, procedures=tuple(procedures))


@dataclass(frozen=True, eq=False)
class Story:
    """The table of a family. Its numbers and its cast are the family's own; the first cell is the family's own problem.

    `scenario`, `procedures` (paraphrases of one another), `unit` and `answer_format` are templates with turns.
    `solve(sheet, params, *cell)` works out the gold answer on a sheet; the procedures must stand for nothing but it.
    """

    family: Family
    scenario: str
    procedures: tuple[str, ...]
    solve: Callable[..., Number | str]
    unit: str | None = None  # the family's
    answer_format: str | None = None  # the family's
    shape: tuple[int, ...] = (2, 2)  # alternatives a turn
    fixed: Params = field(default_factory=dict)  # what the story does not vary of the family's parameters

    def matched_set(self, draw: Draw) -> MatchedSet:
        """ValueError when a gold answer is not above zero, or a value is written in too many decimals."""
        values = {**draw.params, **self.family.values(*draw)}
        solved = {cell: self._solution(draw.params, cell) for cell in cells(self.shape)}
        return MatchedSet(
            family=self.family.name,
            kind=self.family.kind,
            draw=draw,
            scenarios=tuple(
                self._scenario(cell, working, gold, draw, values) for cell, (working, gold) in solved.items()
            ),
            procedures=tuple(
                Procedure(tuple(render(words, cell, self.shape, values) for words in self.procedures), gold)
                for cell, (_, gold) in solved.items()
            ),
        )

    def _solution(self, params: Params, cell: Cell) -> tuple[tuple[str, ...], str]:
        """(working, gold answer)."""
        sheet = Sheet()
        gold = written(self.solve(sheet, params, *cell))
        return tuple(sheet.lines), gold

    def _scenario(
        self, cell: Cell, working: tuple[str, ...], gold: str, draw: Draw, values: dict[str, int | str]
    ) -> Scenario:
        family, wording = self.family, draw.wording
        text = OPENINGS[wording.opening] + render(self.scenario, cell, self.shape, values)
        answer_format = render(self.answer_format or family.answer_format, cell, self.shape, values)
        execution = f"{text} {EXECUTION_CLOSINGS[wording.closing].format(format=answer_format)}"
        return Scenario(
            cell=cell,
            text=text,
            gold=gold,
            working=working,
            understanding_prompt=f"{text} {UNDERSTANDING_CLOSINGS[wording.closing]}",
            execution_prompt=execution,
            terse_prompt=f"{text} {TERSE_CLOSINGS[wording.closing].format(format=answer_format)}",
            answer_format=answer_format,
            question=Question(
                kind=family.kind,
                unit=render(self.unit or family.unit, cell, self.shape, values),
                names=names(draw.params),
                prompt=execution,
            ),
        )


def names(params: Params) -> tuple[str, ...]:
    """The people whom a problem speaks of."""
    return tuple(value for value in params.values() if isinstance(value, str) and value.isalpha())


def written(value: Number | str) -> str:
    """A gold answer in canonical form: 90 -> "90", 256/5 -> "51.2". ValueError beyond two decimals or not above zero."""
    if isinstance(value, str):
        return value
    if (Fraction(value) * 100).denominator != 1 or value <= 0:
        raise ValueError(f"{value} is not a gold answer")
    return decimal(value)
