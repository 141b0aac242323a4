"""A family: one kind of problem as a generator, asked two ways and answered two ways, with nothing of torch.

A problem is `params` (the numbers and names that decide its answer) dressed in a `Wording`. The same dressed scenario
is asked for its *execution* ("work it out") and, in a context of its own, for *understanding* ("how would you work it
out?"). Gold answers and worked solutions follow from `params`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Literal, NamedTuple

AnswerKind = Literal["number", "clock", "sequence", "name"]
Params = dict[str, int | str]

OPENINGS = ("", "Here is a question for you. ", "Please help me with this. ", "A small problem: ")

EXECUTION_CLOSINGS = (
    "Work it out step by step. End with a line 'Answer:' and {format}.",
    "Show your working. The last line must be 'Answer:' and {format}.",
    "Solve this. Finish with a line 'Answer:' and {format}.",
    "What is the result? Close with a line 'Answer:' and {format}.",
)

TERSE_CLOSINGS = (
    "Give no working. Write only 'Answer:' and {format}.",
    "Reply with one line and nothing else: 'Answer:' and {format}.",
    "Do not show any steps; write 'Answer:' and {format}.",
    "State the result alone, as 'Answer:' and {format}.",
)

UNDERSTANDING_CLOSINGS = (
    "Do not work it out; explain in order what you would do.",
    "Describe the method step by step, without the result.",
    "Which steps lead to the result, in which order? Leave the result out.",
    "How would you go about this? Tell me only the procedure.",
)


class Step(NamedTuple):
    """One step of a correct explanation: met when any pattern is found within a sentence, ignoring case.

    Steps are ordered: each is searched for from where the match of the step before it ends.
    """

    name: str
    any_of: tuple[str, ...]


class Wording(NamedTuple):
    """How a problem is dressed: indices into the openings, the family's cores, the closings and the family's casts."""

    opening: int
    core: int
    closing: int
    cast: int

    @property
    def combination(self) -> tuple[int, int, int]:
        return (self.opening, self.core, self.closing)


CANONICAL_WORDING = Wording(0, 0, 0, 0)


@dataclass(frozen=True, eq=False)
class Family:
    """One kind of problem. Texts are format strings over the names in `facts(params)` and in the cast;
    facts may mention the cast in turn.

    `method` holds the explanation: per step, the phrasings that say the same. `steps` is the rubric that such an
    explanation meets, written so that anyone's sound explanation meets it and the question itself does not.
    `published_keywords` serve the lenient rubric of the published experiments only.
    """

    name: str
    category: str
    kind: AnswerKind
    unit: str
    answer_format: str  # completes "'Answer:' and …"
    canonical: Params
    draw: Callable[[Random], Params]
    answer: Callable[[Params], str]  # the gold answer in canonical form: "15", "4:15 PM", "Alice, Bob, Carol, David"
    working: Callable[[Params], tuple[str, ...]]  # the lines of a worked solution, without the answer's line
    cores: tuple[str, ...]  # the scenario and its question
    casts: tuple[Mapping[str, str], ...]
    method: tuple[tuple[str, ...], ...]
    steps: tuple[Step, ...]
    published_keywords: tuple[str, ...]
    facts: Callable[[Params], Mapping[str, int | str]] = dict
    routes: tuple[tuple[Step, ...], ...] = ()  # the steps of other sound procedures

    def scenario(self, params: Params, wording: Wording) -> str:
        core = self.cores[wording.core].format(**self.values(params, wording))
        return OPENINGS[wording.opening] + core

    def execution_prompt(self, params: Params, wording: Wording) -> str:
        closing = EXECUTION_CLOSINGS[wording.closing].format(format=self.answer_format)
        return f"{self.scenario(params, wording)} {closing}"

    def terse_prompt(self, params: Params, wording: Wording) -> str:
        closing = TERSE_CLOSINGS[wording.closing].format(format=self.answer_format)
        return f"{self.scenario(params, wording)} {closing}"

    def understanding_prompt(self, params: Params, wording: Wording) -> str:
        return f"{self.scenario(params, wording)} {UNDERSTANDING_CLOSINGS[wording.closing]}"

    def worked(self, params: Params) -> str:
        """A worked solution whose last line is "Answer: " and the gold answer."""
        return "\n".join((*self.working(params), f"Answer: {self.answer(params)}"))

    def explanation(self, params: Params, wording: Wording, rng: Random, forget: int | None = None) -> str:
        """Ordered prose in the scenario's own terms, one of the phrasings a step; `forget` leaves a step out."""
        values = self.values(params, wording)
        told = [rng.choice(phrasings).format(**values) for i, phrasings in enumerate(self.method) if i != forget]
        return " ".join(told)

    def values(self, params: Params, wording: Wording) -> dict[str, int | str]:
        """What the templates speak of: the facts, and the cast they may mention."""
        cast = self.casts[wording.cast]
        facts = self.facts(params).items()
        return {**cast, **{name: fact.format(**cast) if isinstance(fact, str) else fact for name, fact in facts}}


def integers(params: Params, *names: str) -> tuple[int, ...]:
    return tuple(int(params[name]) for name in names)


def near(first: str, second: str, gap: int = 80, without: str = "") -> tuple[str, ...]:
    """Patterns for two alternations within `gap` characters of each other, in either order, with no `without` between."""
    between = rf"(?:(?!{without}).){{0,{gap}}}?" if without else rf".{{0,{gap}}}?"
    return (rf"(?:{first}){between}(?:{second})", rf"(?:{second}){between}(?:{first})")
