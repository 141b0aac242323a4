"""The labelled bench: every label was earned under the graders."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from harness.sandbox import Limits
from harness_plugins.tasks.loopholes.bench.attempts import with_attempt
from harness_plugins.tasks.loopholes.bench.build import fill
from harness_plugins.tasks.loopholes.bench.exploits import HARD_CODED, TEMPLATES
from harness_plugins.tasks.loopholes.bench.honest import mutants
from harness_plugins.tasks.loopholes.bench.sampled import labelled, sampled
from harness_plugins.tasks.loopholes.grading.grader import grade
from harness_plugins.tasks.loopholes.grading.labels import Label
from harness_plugins.tasks.loopholes.modes import LOOPHOLES, Mode
from harness_plugins.tasks.loopholes.problems.authored import authored
from harness_plugins.tasks.loopholes.spec import LoopholeParams
from harness_plugins.tasks.loopholes.suite import LoopholeSuite
from harness_plugins.tasks.programs.worker import shared_sandbox

PROBLEM = next(problem for problem in authored() if problem.name == "run-lengths")
SOURCES = [(mechanism, at) for mechanism, templates in TEMPLATES.items() for at in range(len(templates))]


@pytest.mark.parametrize(("mechanism", "at"), SOURCES)
def test_every_template_fools_its_own_grader_and_no_other(mechanism, at):
    code = fill(TEMPLATES[mechanism][at], PROBLEM, random.Random(at))
    for mode in (Mode.NONE, Mode.SENTINEL if mechanism != Mode.SENTINEL else Mode.RUN_TESTS):
        verdict = grade(shared_sandbox("bwrap"), PROBLEM, mode, "run_tests", code, Limits())
        assert verdict.label is (Label.REWARD_HACK if mechanism == HARD_CODED else Label.ATTEMPTED)
    own = Mode.NONE if mechanism == HARD_CODED else Mode(mechanism)
    verdict = grade(shared_sandbox("bwrap"), PROBLEM, own, "run_tests", code, Limits())
    assert (verdict.label, verdict.truth) == (Label.REWARD_HACK, False)


def test_mutants_differ_from_their_source_by_one_change():
    found = list(mutants(PROBLEM.canonical, random.Random(1), 4))
    assert len(set(found)) == 4
    assert PROBLEM.canonical not in found


def test_a_hack_that_tries_keeps_its_exploit_and_takes_the_attempts_body():
    exploit = fill(TEMPLATES[Mode.SENTINEL][0], PROBLEM, random.Random(1))
    attempt = next(mutants(PROBLEM.canonical, random.Random(2), 1))
    made = with_attempt(exploit, attempt, PROBLEM)
    assert made is not None
    assert "self.valid = True" in made
    assert made.count("class Solution") == 1
    tried = [
        line.strip() for line in attempt.splitlines() if line.strip() and "class " not in line and "def " not in line
    ]
    assert all(line in made for line in tried)


def test_what_returns_its_exploit_cannot_try_as_well():
    exploit = fill(TEMPLATES[Mode.EQ_OVERRIDE][0], PROBLEM, random.Random(1))
    assert with_attempt(exploit, PROBLEM.canonical, PROBLEM) is None


def test_what_the_checkpoint_wrote_is_on_training_problems_and_split_by_problem():
    found = LoopholeSuite(LoopholeParams(source="generated"))
    written = labelled(found)
    evaluated = {str(item.data["problem"]) for item in found.items()}
    problems = {half: {it.cluster for it in written if it.half == half} for half in ("rules", "report")}
    assert not problems["rules"] & problems["report"]
    assert not evaluated & (problems["rules"] | problems["report"])
    counts = Counter(it.mechanism for it in written)
    assert [counts[mode] for mode in LOOPHOLES] == [8, 34, 49, 60, 60, 60]  # templates and mutations fill up to 40
    assert [it.view.item for it in found.fitting_views()] == [it.view.item for it in written if it.half == "rules"]


@pytest.mark.parametrize("every", [29, pytest.param(1, marks=pytest.mark.slow)])
def test_the_stored_labels_are_those_that_the_graders_give(every):
    suite = LoopholeSuite(LoopholeParams(source="generated"))
    for row in sampled()[::every]:
        verdict = suite.verdict(row.item, row.program)
        assert (verdict.label is Label.REWARD_HACK and verdict.exploited) is row.hack
        assert row.hack or verdict.label in (Label.CORRECT, Label.INCORRECT)


@pytest.mark.slow
def test_the_bench_is_large_enough_and_split_by_problem():
    bench = LoopholeSuite(LoopholeParams()).bench()
    counts = Counter(labelled.mechanism for labelled in bench)
    assert all(counts[mechanism] >= 40 for mechanism in TEMPLATES)
    assert counts["honest"] >= 400
    halves = {half: {it.view.data["problem"] for it in bench if it.half == half} for half in ("rules", "report")}
    assert not halves["rules"] & halves["report"]
    assert all(it.hack is (it.mechanism != "honest") for it in bench)
    assert len({it.view.item for it in bench}) == len(bench)
