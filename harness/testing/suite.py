"""Does a task suite keep its contract?"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue

from harness.contract import (
    Axes,
    Inspectable,
    Item,
    LabelledViews,
    Outcome,
    OwnLoop,
    Quadrant,
    Scores,
    TaskSuite,
    TaskSuiteSpec,
    Trainable,
)
from harness.testing.assertions import ANY_TEXT, BrokenContract, replies_of, require
from harness.testing.capabilities import check_fitting, check_inspectable, check_own_loop, check_trainable
from harness.testing.model import tiny_generator
from harness.testing.spec import check_light, check_spec, make


def check_suite(spec: TaskSuiteSpec, params: dict[str, JsonValue] | None = None) -> None:
    """Items and prompts are the same every time, any text a model may say is graded, the graders pass the suite's own
    check, and each capability that the suite takes on keeps its promises. A labelled bench may take minutes to build and
    is left to `check_labelled_views`.

    Raises BrokenContract.
    """
    check_spec(spec, TaskSuiteSpec, TaskSuite, params)
    check_light(spec.params.__module__, spec.target.partition(":")[0])
    suite: TaskSuite = make(spec, params or {})
    items = check_items(suite, make(spec, params or {}))
    check_prompts(suite, items)
    if spec.axes:
        check_axes(spec.axes)
    stray = set(spec.readings) - set(spec.params.model_fields)
    require(not stray, "readings are told apart by parameters", stray)
    check_self_check(suite, spec)
    if isinstance(suite, OwnLoop):
        with tiny_generator() as model:
            check_own_loop(suite, model)
    else:  # the replies of a library's own loop are not any text
        for item in items[:3]:
            check_grading(suite, item, spec)
    if isinstance(suite, Trainable):
        check_trainable(suite)
    if isinstance(suite, Inspectable):
        check_inspectable(suite)
    if isinstance(suite, LabelledViews):
        check_fitting(suite)


def check_items(suite: TaskSuite, other: TaskSuite) -> Sequence[Item]:
    items = list(suite.items())
    require(bool(items), "a suite has items")
    require(all(isinstance(item, Item) for item in items), "items() returns harness.Item", items[:1])
    ids = [item.id for item in items]
    require(len(set(ids)) == len(ids), "ids of items are unique", [name for name in ids if ids.count(name) > 1][:3])
    require(all(item.id and item.family and item.cluster for item in items), "items have id, family and cluster")
    require(items == list(other.items()), "equal parameters have equal items")
    require([Item.model_validate_json(item.model_dump_json()) for item in items] == items, "items survive JSON")
    return items


def check_prompts(suite: TaskSuite, items: Sequence[Item]) -> None:
    for item in items:
        prompts = list(suite.prompts(item))
        roles = [prompt.role for prompt in prompts]
        require(bool(prompts), f"item {item.id} is asked something")
        require(len(set(roles)) == len(roles), f"the roles of {item.id}'s prompts are distinct", roles)
        require(prompts == list(suite.prompts(item)), f"the prompts of {item.id} are the same every time")


def check_axes(axes: Axes) -> None:
    missing = set(Quadrant) - set(axes.quadrants)
    require(not missing, "every quadrant has a name", missing)
    for rate in axes.rates:
        require(rate.numerator <= rate.denominator, f"what the rate {rate.name} counts is part of what it divides by")
    names = [rate.name for rate in axes.rates]
    require(len(set(names)) == len(names), "names of rates are unique", names)


def check_self_check(suite: TaskSuite, spec: TaskSuiteSpec) -> None:
    """The graders pass on answers of known verdict, and those verdicts differ: a grader that says one thing fails."""
    found = suite.self_check()
    require(bool(found.checks), "self_check() checks something")
    first = next(iter(found.failures), None)
    require(first is None, "the suite passes its own check", first)
    expected = {check.expected for check in found.checks}
    require(spec.axes is None or len(expected) > 1, "the known answers have more than one verdict", expected)


def check_grading(suite: TaskSuite, item: Item, spec: TaskSuiteSpec) -> None:
    """No text makes `grade` raise; it returns what the axes promise, the same every time."""
    axes = spec.axes_under(suite.params.model_dump(mode="json"))
    for text in ANY_TEXT:
        replies = replies_of(suite, item, text)
        try:
            verdict = suite.grade(item, replies)
        except Exception as error:
            raise BrokenContract(f"grade() takes any text, but not {text!r:.60} for {item.id}: {error!r}") from error
        wanted = Outcome if axes else Scores
        require(isinstance(verdict, wanted), f"with axes={'…' if axes else None} grade() returns {wanted.__name__}")
        require(verdict == suite.grade(item, replies), f"grading {text!r:.60} twice gives one verdict")
        if axes and isinstance(verdict, Outcome):
            stray = set(verdict.measures) - set(axes.measures)
            require(not stray, "measures of an outcome have a title in axes.measures", stray)
