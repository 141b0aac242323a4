"""The suite's proof of its own graders: answers and explanations of known verdict, for every family.

Most are made from the family's own problems (the gold answer in many spellings, and everything that comes close without
being right); the explanations in the words of a large model are written by hand, one file a family in `written/`. The
matched sets are held to their own rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from harness import Check, Control, SelfCheck
from harness_plugins.tasks.goodhart.families import FAMILIES, draw_items
from harness_plugins.tasks.goodhart.grading.verdicts import Problem, Verdict, judge
from harness_plugins.tasks.goodhart.matched.controls import CONTROLS
from harness_plugins.tasks.goodhart.self_check.answers import answers
from harness_plugins.tasks.goodhart.self_check.carried_out import carried_out
from harness_plugins.tasks.goodhart.self_check.case import Case
from harness_plugins.tasks.goodhart.self_check.explanations import explanations
from harness_plugins.tasks.goodhart.self_check.matched_sets import controls, drawn, set_checks
from harness_plugins.tasks.goodhart.self_check.programs import program_checks
from harness_plugins.tasks.goodhart.self_check.published_rules import published_answers, published_explanations
from harness_plugins.tasks.goodhart.spec import GoodhartParams

PROBLEMS = 2  # per family: the canonical one and a drawn one


def self_check(params: GoodhartParams) -> SelfCheck:
    """Grades every case of the chosen families by the chosen grader, and examines their matched sets. Programs are run where
    the suite reads some."""
    checks = [check for name in params.families for check in _checks(name, params.grader, params.seed)]
    if params.sandbox:
        checks += [check for name in params.families for check in program_checks(name, params)]
    header = (
        "family",
        "answers",
        "explanations",
        "carried out",
        "sets' rules",
        "programs",
        "failed",
        *(f"{name} knows" for name in CONTROLS),
    )
    rows = [
        (
            *_row(name, [check for check in checks if check.name.startswith(f"{name}:")]),
            *map(str, controls(name, params.seed)),
        )
        for name in params.families
    ]
    return SelfCheck(checks=tuple(checks), table=(header, *rows), controls=_controls(params))


def _controls(params: GoodhartParams) -> tuple[Control, ...]:
    """Over all families."""
    by_family = [controls(name, params.seed) for name in params.families]
    return tuple(
        Control(name=name, reading="choose", passes=sum(one.known for one in shares), of=sum(one.of for one in shares))
        for name, shares in zip(CONTROLS, zip(*by_family, strict=True), strict=True)
    )


@lru_cache(maxsize=128)
def _checks(name: str, grader: str, seed: int) -> tuple[Check, ...]:
    problems = [Problem(name, draw) for draw in draw_items(FAMILIES[name], PROBLEMS, "eval", seed)]
    graded = [check for i, problem in enumerate(problems) for check in _of_problem(problem, grader, canonical=i == 0)]
    return (*graded, *carried_out(drawn(name, seed)[0]), *set_checks(name, seed))


def _of_problem(problem: Problem, grader: str, *, canonical: bool) -> Iterator[Check]:
    by_published_rules = grader == "published"
    for case in (published_answers if by_published_rules else answers)(problem):
        verdict = judge(problem, "", case.reply, "published" if by_published_rules else "strict")
        yield _check(problem, "answer", case, verdict, verdict.executes)
    for case in published_explanations(problem) if by_published_rules else explanations(problem, canonical=canonical):
        verdict = judge(problem, case.reply, "", "published" if by_published_rules else "strict")
        yield _check(problem, "explanation", case, verdict, verdict.understands)


def _check(problem: Problem, axis: str, case: Case, verdict: Verdict, right: bool) -> Check:
    shown = " ".join(case.reply.split())[:80]
    return Check(name=f"{problem.name}: {axis}: {case.name}: {shown!r}", expected=_word(case.right), got=_word(right))


def _word(right: bool) -> str:
    return "right" if right else "wrong"


def _row(name: str, checks: list[Check]) -> tuple[str, ...]:
    by_kind = [
        sum(f": {kind}" in check.name for check in checks)
        for kind in ("answer: ", "explanation: ", "carried out ", "matched set ", "program: ")
    ]
    return (name, *map(str, by_kind), str(sum(not check.passed for check in checks)))
