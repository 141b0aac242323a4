"""Every promise that harness.testing checks of a suite's capabilities is broken here once, and noticed."""

from __future__ import annotations

from itertools import count

import pytest

from harness import (
    Axes,
    Inspectable,
    LabelledView,
    LabelledViews,
    OwnLoop,
    Prompt,
    Quadrant,
    Reply,
    Scores,
    TaskSuiteSpec,
)
from harness.contract import View
from harness.errors import UsageError
from harness.testing import (
    BrokenContract,
    ToySuite,
    check_inspectable,
    check_labelled_views,
    check_own_loop,
    check_suite,
    check_trainable,
)

AXES = Axes(proxy="a digit", truth="the sum", quadrants={quadrant: str(quadrant) for quadrant in Quadrant}, rates=())
NUMBERS = count()


def labelled(name: str, half: str, hack: bool, **changes) -> LabelledView:
    view = View(item=name, family="sums", prompts={"answer": "?"}, replies={"answer": Reply(text=name)})
    made = LabelledView(view=view, hack=hack, mechanism="zero" if hack else "honest", cluster=half, half=half)
    return made.model_copy(update=changes)


BENCH = [labelled(f"{half}-{hack}", half, hack) for half in ("rules", "report") for hack in (True, False)]


class Whole(ToySuite, Inspectable, LabelledViews):
    """Takes on everything but a loop of its own, and keeps it."""

    def view_data(self, item, replies):
        return {"n": item.data["n"], "length": len(replies["answer"].text)}

    def reference(self, item):
        return f"print({item.data['n']} + 1)"

    def exploit_with_solution(self, item):
        return f" {int(item.data['n']) + 1}"

    def attempted_hack(self, outcome):
        return outcome.proxy

    def bench(self):
        return BENCH

    def fitting_views(self):
        return BENCH[:2]


class Loop(ToySuite, OwnLoop):
    """A library that answers without any model."""

    def needs_likelihood(self):
        return False

    def ask(self, model, items, batch_size):
        for start in range(0, len(items), batch_size):
            yield {item: Reply(text="7") for item in items[start : start + batch_size]}


def changed(kind: type, **methods):
    return type("Changed", (kind,), methods)()


@pytest.mark.parametrize("kind", [Whole, Loop])
def test_suites_that_keep_their_promises_pass(kind):
    check_suite(TaskSuiteSpec(name="toy", summary="sums", target=f"{__name__}:{kind.__name__}", axes=AXES))


def test_a_whole_suite_passes_each_check_by_itself():
    check_trainable(Whole())
    check_inspectable(Whole())
    check_labelled_views(Whole())
    check_own_loop(Loop(), None)


def nothing_is_left(self):
    raise UsageError("everything is asked", "split=test")


@pytest.mark.parametrize(
    ("methods", "cause"),
    [
        ({"training_items": nothing_is_left}, "returns items under these parameters: everything is asked"),
        ({"training_items": lambda self: []}, "there are items to train on"),
        ({"training_items": lambda self: ToySuite.training_items(self)[:1] * 2}, "ids of training items are unique"),
        ({"training_items": lambda self: ToySuite.training_items(self)[next(NUMBERS) % 2 :]}, "same every time"),
        ({"training_items": ToySuite.items}, "no training item is among"),
        ({"grade": lambda self, item, replies: Scores(values={})}, "returns Outcome"),
        ({"reward": lambda self, outcome: float("nan")}, "finite number"),
        ({"reward": lambda self, outcome: float(outcome.truth)}, "does not depend on the truth"),
        ({"attempted_hack": lambda self, outcome: None}, "returns True or False"),
        ({"prompts": lambda self, item: [Prompt(role=r, text="?") for r in ("answer", "b")]}, "has one prompt"),
        ({"demonstrations": lambda self, item: ("0", "0", ())}, "honest demonstration of sum6 solves it"),
        ({"demonstrations": lambda self, item: (str(item.data["n"] + 1),) * 2 + ((),)}, "of gaming nor a slip"),
        ({"demonstrations": lambda self, item: (str(item.data["n"] + 1), "?", ())}, "gaming passes the proxy"),
        ({"exploit_with_solution": lambda self, item: "0"}, "beside a solution of sum6 solves it"),
        ({"attempted_hack": ToySuite.attempted_hack}, "is an attempt to game"),
    ],
)
def test_trainable(methods, cause):
    with pytest.raises(BrokenContract, match=cause):
        check_trainable(changed(Whole, **methods))


@pytest.mark.parametrize(
    ("methods", "cause"),
    [
        ({"reference": lambda self, item: 7}, "source text or None"),
        ({"view_data": lambda self, item, replies: {"at": float(replies["answer"].text)}}, "makes JSON of any text"),
        ({"view_data": lambda self, item, replies: {"set": {1, 2}}}, "makes JSON of any text"),
        ({"view_data": lambda self, item, replies: {"at": next(NUMBERS)}}, "the same every time"),
        ({"view_data": lambda self, item, replies: {"x": [self.reference(item)]}}, "does not hold the reference"),
    ],
)
def test_inspectable(methods, cause):
    with pytest.raises(BrokenContract, match=cause):
        check_inspectable(changed(Whole, **methods))


HONEST = [entry for entry in BENCH if not entry.hack]


@pytest.mark.parametrize(
    ("methods", "cause"),
    [
        ({"bench": lambda self: []}, r"bench\(\) has views"),
        ({"bench": lambda self: [dict(BENCH[0])]}, "returns harness.LabelledView"),
        ({"bench": lambda self: [*BENCH, BENCH[0]]}, "shows each item once"),
        ({"bench": lambda self: [*BENCH, labelled("x", "rules", True, mechanism="honest")]}, "a hack has a mechanism"),
        ({"bench": lambda self: [*BENCH[:2], *HONEST[1:]]}, 'half "report" of bench\\(\\) has hacks and honest'),
        ({"bench": lambda self: [*BENCH, labelled("x", "rules", True, cluster="report")]}, "in both halves"),
        ({"fitting_views": lambda self: HONEST}, r"fitting_views\(\) has hacks and honest"),
        ({"fitting_views": lambda self: [*BENCH, labelled("sum0", "rules", True)]}, "does not have: .'sum0'"),
        (
            {"fitting_views": lambda self: [*BENCH, labelled("x", "rules", True, cluster="sum1")]},
            "does not have: .'sum1'",
        ),
    ],
)
def test_labelled_views(methods, cause):
    with pytest.raises(BrokenContract, match=cause):
        check_labelled_views(changed(Whole, **methods))


def asks(answer):
    """`ask` as one lot: whatever `answer` makes of the item ids."""
    return lambda self, model, items, batch_size: iter([answer(items)])


@pytest.mark.parametrize(
    ("methods", "cause"),
    [
        ({"prompts": lambda self, item: [Prompt(role=r, text="?") for r in "ab"]}, "has one prompt"),
        ({"needs_likelihood": lambda self: None}, "returns True or False"),
        ({"ask": asks(lambda items: {"sum0": Reply(text="7")})}, "no items, no replies"),
        ({"ask": asks(lambda items: {item: Reply(text="7") for item in items[:1]})}, "each item that it is given"),
        ({"ask": asks(lambda items: dict.fromkeys(items, "7"))}, "gives harness.Reply"),
        ({"grade": lambda self, item, replies: {}["x"]}, "takes what ask"),
        ({"grade": lambda self, item, replies: 1.0}, "returns Outcome or Scores"),
    ],
)
def test_own_loop(methods, cause):
    with pytest.raises(BrokenContract, match=cause):
        check_own_loop(changed(Loop, **methods), None)
