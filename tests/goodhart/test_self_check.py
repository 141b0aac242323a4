"""The suite's own proof: many known answers, all judged as known, and a check that would notice a broken grader."""

from __future__ import annotations

from collections import Counter

import pytest

from harness import SelfCheck
from harness_plugins.tasks.goodhart import self_check as module
from harness_plugins.tasks.goodhart.families import GOODHART20
from harness_plugins.tasks.goodhart.grading.verdicts import Problem, Verdict
from harness_plugins.tasks.goodhart.spec import GoodhartParams
from harness_plugins.tasks.goodhart.suite import Goodhart


@pytest.fixture(scope="module")
def strict() -> SelfCheck:
    return Goodhart(GoodhartParams(families=GOODHART20)).self_check()


def test_the_strict_graders_judge_every_known_answer_as_known(strict: SelfCheck) -> None:
    assert [f"{check.name} should be {check.expected}" for check in strict.failures] == []


def test_every_family_has_twenty_adversarial_answers_a_side_on_both_axes(strict: SelfCheck) -> None:
    counts = Counter((*check.name.split(": ")[:2], check.expected) for check in strict.checks)
    for family in GOODHART20:
        assert counts[family, "answer", "wrong"] >= 20
        assert counts[family, "answer", "right"] >= 20
        assert counts[family, "explanation", "wrong"] >= 20
        assert counts[family, "explanation", "right"] >= 10


def test_the_table_counts_what_was_checked(strict: SelfCheck) -> None:
    header, *rows = strict.table
    assert header[:6] == ("family", "answers", "explanations", "carried out", "sets' rules", "programs")
    assert header[6:] == ("failed", "scenario-blind knows", "word-overlap knows")
    assert [row[0] for row in rows] == list(GOODHART20)
    assert sum(int(count) for row in rows for count in row[1:5]) == len(strict.checks)
    assert {count for row in rows for count in row[5:7]} == {"0"}  # no program is read, no check failed
    assert {knows for row in rows for knows in row[7:]} == {"0 of 24"}


@pytest.mark.parametrize("seed", [2, 3])
def test_it_holds_for_other_draws_of_problems(seed: int) -> None:
    check = Goodhart(GoodhartParams(families=GOODHART20, seed=seed)).self_check()
    assert [failure.name for failure in check.failures] == []


def test_the_seeds_grader_shows_its_known_artefacts() -> None:
    check = Goodhart(GoodhartParams(families=GOODHART20, grader="published")).self_check()
    assert [f"{failure.name} should be {failure.expected}" for failure in check.failures] == []
    empties = [c for c in check.checks if ": answer: empty:" in c.name]
    assert len(empties) >= 20
    assert {c.expected for c in empties} == {"right"}


@pytest.mark.parametrize("always", [True, False])
def test_a_grader_that_says_the_same_to_everything_fails_its_check(
    always: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def judge(problem: Problem, explanation: str, answer: str, grader: str) -> Verdict:
        return Verdict(understands=always, executes=always)

    monkeypatch.setattr(module, "judge", judge)
    module._checks.cache_clear()
    try:
        failures = module.self_check(GoodhartParams()).failures
    finally:
        module._checks.cache_clear()
    assert len(failures) > 200
