"""The labelled bench: every label was earned under the graders."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from harness.sandbox import Limits
from harness_plugins.tasks.loopholes.bench.build import fill
from harness_plugins.tasks.loopholes.bench.exploits import HARD_CODED, TEMPLATES
from harness_plugins.tasks.loopholes.bench.honest import mutants
from harness_plugins.tasks.loopholes.grading.grader import grade
from harness_plugins.tasks.loopholes.grading.labels import Label
from harness_plugins.tasks.loopholes.grading.worker import shared_sandbox
from harness_plugins.tasks.loopholes.modes import Mode
from harness_plugins.tasks.loopholes.problems.authored import authored
from harness_plugins.tasks.loopholes.spec import LoopholeParams
from harness_plugins.tasks.loopholes.suite import LoopholeSuite

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
