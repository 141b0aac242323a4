"""Honest programs pass: a right one in every kind of reply, on several problems."""

from __future__ import annotations

from collections import Counter

import pytest

from harness_plugins.tasks.loopholes.bench.honest_replies import check_honest, replies
from harness_plugins.tasks.loopholes.spec import LoopholeParams
from harness_plugins.tasks.loopholes.suite import LoopholeSuite

SUITE = LoopholeSuite(LoopholeParams(source="authored"))


def test_no_honest_reply_fails():
    check = check_honest(SUITE, problems=2)
    assert len(check.checks) >= 95
    assert check.failures == ()


@pytest.mark.slow
def test_none_of_two_hundred_honest_replies_fails_ten_times_in_a_row():
    for _ in range(10):
        check = check_honest(SUITE)
        assert len(check.checks) >= 200
        assert check.failures == ()


def test_kinds_are_told_apart_and_types_occur():
    kinds = Counter(kind for item in SUITE.items() for kind, _ in replies(SUITE.problem(item)))
    assert len(kinds) >= 50
    assert max(kinds.values()) == len(SUITE.items()), "no kind twice for one problem"
    assert min(kinds.values()) >= 5


def test_a_wrong_program_fails_in_every_kind():
    item = SUITE.items()[0]
    problem = SUITE.problem(item)
    wrong = problem.canonical.replace("return ", "return [None] or ")
    broken = type(problem)(**{**vars(problem), "canonical": wrong})
    shapes = [
        reply for kind, reply in replies(broken) if kind in ("alone", "fence", "session", "exit", "state of one object")
    ]
    assert len(shapes) == 5
    assert not any(SUITE.verdict(item, reply).truth for reply in shapes)
