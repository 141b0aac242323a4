"""Explanations of known verdict: the family's own phrasings, what leaves a step out or turns the order round, and hand-written
ones in the words of an instruction-tuned model (`written/`)."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from random import Random

from harness_plugins.tasks.goodhart.grading.verdicts import Problem
from harness_plugins.tasks.goodhart.self_check.case import Case

PHRASINGS = 4  # random choices of phrasings per problem


def explanations(problem: Problem, *, canonical: bool) -> Iterator[Case]:
    """The hand-written ones speak of the canonical problem."""
    family, (params, wording) = problem.family, problem.draw
    rng = Random(f"self-check {problem.name}")
    for i in range(PHRASINGS):
        own = family.explanation(params, wording, rng)
        yield Case(f"own phrasing {i}", own, True)
        steps = own.split(". ")
        if i == 0:
            yield Case("numbered list", "\n".join(f"{n}. **{step}**" for n, step in enumerate(steps, 1)), True)
            yield Case("bullets after the prompt", f"{problem.understanding_prompt}\n\n- " + "\n- ".join(steps), True)
            yield Case("double negation", f"Do not forget any of these steps. {own}", True)
        yield Case(f"steps reversed {i}", ". ".join(reversed(steps)), False)
        for left_out, step in enumerate(family.steps):
            yield Case(f"without “{step.name}” {i}", family.explanation(params, wording, rng, forget=left_out), False)
    yield Case("every step advised against", "Do not " + " Do not ".join(s + "." for s in own.split(". ")), False)
    yield Case("empty", "", False)
    yield Case("blanks", " \n ", False)
    yield Case("prompt repeated", problem.understanding_prompt, False)
    yield Case("scenario repeated", family.scenario(params, wording), False)
    yield Case("prompt repeated twice", f"{problem.understanding_prompt} {problem.understanding_prompt}", False)
    yield Case("keywords", ", ".join(family.published_keywords), False)
    yield Case("keywords, backwards", " ".join(reversed(family.published_keywords)), False)
    yield Case("answer only", f"Answer: {problem.gold}", False)
    yield Case("no method", "I would read the question carefully, think about it and then give the result.", False)
    yield Case("refusal", "I am sorry, but I cannot help with this.", False)
    if canonical:
        for verdict in ("right", "wrong"):
            for i, text in enumerate(_written(problem.name)[verdict]):
                yield Case(f"written by hand, {verdict} {i}", text, verdict == "right")


@cache
def _written(family: str) -> dict[str, list[str]]:
    """ "right" or "wrong" -> texts about the family's canonical problem, judged by hand."""
    path = files("harness_plugins.tasks.goodhart.self_check").joinpath("written", f"{family}.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))
