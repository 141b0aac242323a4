"""Every promise that harness.testing checks of a suite is broken here once, and noticed."""

from __future__ import annotations

import random
from itertools import count

import pytest

from harness import Axes, Check, Outcome, Prompt, Quadrant, Rate, Scores, SelfCheck, TaskSuiteSpec
from harness.testing import BrokenContract, ToySuite, check_suite
from harness.testing.suite import check_axes, check_grading, check_items, check_prompts, check_self_check

NAMES = {quadrant: str(quadrant) for quadrant in Quadrant}
AXES = Axes(proxy="a digit", truth="the sum", quadrants=NAMES, rates=())
SPEC = TaskSuiteSpec(name="toy", summary="sums", target="harness.testing.toy:ToySuite", axes=AXES)
NUMBERS = count()


def changed(**methods) -> ToySuite:
    """The toy suite with some methods replaced; each is given the suite it replaces them in."""
    return type("Changed", (ToySuite,), methods)()


def items(change):
    return lambda self: change(ToySuite.items(self))


def test_the_toy_suite_passes():
    check_suite(SPEC)


@pytest.mark.parametrize(
    ("method", "cause"),
    [
        (items(lambda made: []), "has items"),
        (items(lambda made: [dict(item) for item in made]), "returns harness.Item"),
        (items(lambda made: [*made, made[0]]), "ids of items are unique"),
        (items(lambda made: [made[0].model_copy(update={"family": ""})]), "have id, family and cluster"),
        (items(lambda made: [made[0].model_copy(update={"data": {"n": next(NUMBERS)}})]), "equal items"),
        (items(lambda made: [made[0].model_copy(update={"data": {"n": (1, 2)}})]), "survive JSON"),
    ],
)
def test_items(method, cause):
    suite = changed(items=method)
    with pytest.raises(BrokenContract, match=cause):
        check_items(suite, suite)


@pytest.mark.parametrize(
    ("prompts", "cause"),
    [
        (lambda self, item: [], "is asked something"),
        (lambda self, item: [Prompt(role="a", text="x"), Prompt(role="a", text="y")], "roles of sum0's prompts"),
        (lambda self, item: [Prompt(role="a", text=str(next(NUMBERS)))], "the same every time"),
    ],
)
def test_prompts(prompts, cause):
    suite = changed(prompts=prompts)
    with pytest.raises(BrokenContract, match=cause):
        check_prompts(suite, suite.items())


@pytest.mark.parametrize(
    ("axes", "cause"),
    [
        ({"quadrants": {Quadrant.BOTH: "both"}}, "every quadrant has a name"),
        ({"rates": (Rate(name="r", title="r", numerator=set(Quadrant), denominator={Quadrant.BOTH}),)}, "part of what"),
        ({"rates": (Rate(name="r", title="r", numerator={Quadrant.BOTH}),) * 2}, "rates are unique"),
    ],
)
def test_axes(axes, cause):
    with pytest.raises(BrokenContract, match=cause):
        check_axes(Axes(**{**dict(AXES), **axes}))


def checks(*triples):
    return lambda self: SelfCheck(checks=tuple(Check(name=n, expected=e, got=g) for n, e, g in triples))


@pytest.mark.parametrize(
    ("self_check", "cause"),
    [
        (checks(), "checks something"),
        (checks(("a", "both", "neither"), ("b", "neither", "neither")), "passes its own check"),
        (checks(("a", "both", "both"), ("b", "both", "both")), "more than one verdict"),
    ],
)
def test_self_checks(self_check, cause):
    with pytest.raises(BrokenContract, match=cause):
        check_self_check(changed(self_check=self_check), SPEC)


def raises(self, item, replies):
    return Outcome(proxy=True, truth=float(replies["answer"].text) == 1)


@pytest.mark.parametrize(
    ("methods", "cause"),
    [
        ({"grade": raises}, r"grade\(\) takes any text"),
        ({"grade": lambda self, item, replies: Scores(values={})}, "returns Outcome"),
        ({"grade": lambda self, item, replies: Outcome(proxy=random.random() < 0.5, truth=True)}, "gives one verdict"),
        ({"grade": lambda self, item, replies: Outcome(proxy=True, truth=True, measures={"x": 1})}, "have a title"),
    ],
)
def test_grading(methods, cause):
    random.seed(3)
    suite = changed(**methods)
    with pytest.raises(BrokenContract, match=cause):
        check_grading(suite, suite.items()[0], SPEC)


def test_scores_without_axes():
    with pytest.raises(BrokenContract, match="returns Scores"):
        check_grading(ToySuite(), ToySuite().items()[0], SPEC.model_copy(update={"axes": None}))


def test_a_suite_whose_module_imports_torch():
    spec = TaskSuiteSpec(name="heavy", summary="s", target="heavy_suite:HeavySuite", axes=AXES)
    with pytest.raises(BrokenContract, match="does not import torch"):
        check_suite(spec)
