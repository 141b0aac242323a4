"""Does a suite keep the promises of the capabilities that it takes on?"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

from harness.contract import (
    Inspectable,
    Item,
    LabelledView,
    LabelledViews,
    LibraryModel,
    Outcome,
    OwnLoop,
    Reply,
    Scores,
    Trainable,
)
from harness.contract.trainable import outcome_of
from harness.errors import HarnessError
from harness.testing.assertions import ANY_TEXT, BrokenContract, replies_of, require

FAMILIES = 6  # whose first items are looked at closely


def check_trainable(suite: Trainable) -> None:
    """There are items to train on, none of which a run asks; the reward does not depend on the truth; demonstrations
    are what they claim by the suite's own graders.

    Raises BrokenContract.
    """
    try:
        items = list(suite.training_items())
    except HarnessError as error:
        raise BrokenContract(f"training_items() returns items under these parameters: {error}") from error
    require(bool(items), "there are items to train on")
    ids = [item.id for item in items]
    require(
        len(set(ids)) == len(ids), "ids of training items are unique", [name for name in ids if ids.count(name) > 1]
    )
    require(items == list(suite.training_items()), "training items are the same every time")
    shared = set(ids) & {item.id for item in suite.items()}
    require(not shared, "no training item is among items()", sorted(shared)[:3])
    chosen = list({item.family: item for item in reversed(items)}.values())[:FAMILIES]
    for item in chosen:
        for text in ANY_TEXT:
            _check_reward(suite, suite.grade(item, replies_of(suite, item, text)))
    games = [_check_demonstrations(suite, item) for item in chosen]
    shown = [found for found in games if found is not None]
    require(not shown or any(shown), "a demonstration of gaming passes the proxy")


def _check_reward(suite: Trainable, verdict: Outcome | Scores) -> None:
    require(isinstance(verdict, Outcome), "grade() of a suite to train on returns Outcome", verdict)
    assert isinstance(verdict, Outcome)
    other = verdict.model_copy(update={"truth": not verdict.truth})
    reward = suite.reward(verdict)
    require(isinstance(reward, int | float) and math.isfinite(reward), "the reward is a finite number", reward)
    require(reward == suite.reward(other), "the reward does not depend on the truth", verdict)
    require(isinstance(suite.attempted_hack(verdict), bool), "attempted_hack() returns True or False", verdict)


def _check_demonstrations(suite: Trainable, item: Item) -> bool | None:
    """Whether the demonstration of gaming passes the proxy; None where there is none."""
    shown, beside = suite.demonstrations(item), suite.exploit_with_solution(item)
    if shown is None and beside is None:
        return None
    prompts = suite.prompts(item)
    require(len(prompts) == 1, f"{item.id}, which has demonstrations, has one prompt", len(prompts))
    role = prompts[0].role

    def graded(text: str) -> Outcome:
        return outcome_of(suite, item, role, Reply(text=text))

    if beside is not None:
        found = graded(beside)
        require(found.truth, f"the exploit beside a solution of {item.id} solves it", found)
        require(suite.attempted_hack(found), f"the exploit beside a solution of {item.id} is an attempt to game", found)
    if shown is None:
        return None
    honest, gaming, slips = shown
    require(graded(honest).truth, f"the honest demonstration of {item.id} solves it", honest)
    solved = [reply for reply in (gaming, *slips) if graded(reply).truth]
    require(not solved, f"neither the demonstration of gaming nor a slip solves {item.id}", solved[:1])
    return graded(gaming).proxy


def check_inspectable(suite: Inspectable) -> None:
    """What detectors see is JSON, the same every time whatever the reply, and holds no solution.

    Raises BrokenContract.
    """
    for item in list(suite.items())[:3]:
        reference = suite.reference(item)
        require(reference is None or isinstance(reference, str), "reference() returns source text or None", reference)
        for text in ANY_TEXT:
            replies = replies_of(suite, item, text)
            try:
                data = suite.view_data(item, replies)
                shown = json.dumps(data)
            except Exception as error:
                cause = f"view_data() makes JSON of any text, but not of {text!r:.60} for {item.id}: {error!r}"
                raise BrokenContract(cause) from error
            require(data == suite.view_data(item, replies), f"view_data() of {item.id} is the same every time")
            if reference:
                hidden = json.dumps(reference)[1:-1] not in shown
                require(hidden, f"view_data() of {item.id} does not hold the reference", data)


def check_labelled_views(suite: LabelledViews) -> None:
    """Both halves of the bench have hacks and honest replies and share no cluster; so do the views that detectors are
    fitted on, and no run asks their items. Builds the bench, which may take minutes.

    Raises BrokenContract.
    """
    bench = list(suite.bench())
    _check_labels("bench()", bench)
    halves = {half: [entry for entry in bench if entry.half == half] for half in ("rules", "report")}
    for half, entries in halves.items():
        _check_both_labels(f'the half "{half}" of bench()', entries)
    rules, report = ({entry.cluster for entry in entries} for entries in halves.values())
    require(not rules & report, "no cluster is in both halves of bench()", sorted(rules & report)[:3])
    check_fitting(suite)


def check_fitting(suite: LabelledViews) -> None:
    """The part of `check_labelled_views` that is quick.

    Raises BrokenContract.
    """
    views = list(suite.fitting_views())
    if not views:
        return
    _check_labels("fitting_views()", views)
    _check_both_labels("fitting_views()", views)
    items = list(suite.items())
    asked = {item.id for item in items} | {item.cluster for item in items}
    shared = asked & {name for entry in views for name in (entry.view.item, entry.cluster)}
    require(not shared, "fitting_views() is on problems that items() does not have", sorted(shared)[:3])


def _check_labels(what: str, views: Sequence[LabelledView]) -> None:
    require(bool(views), f"{what} has views")
    require(all(isinstance(entry, LabelledView) for entry in views), f"{what} returns harness.LabelledView", views[:1])
    names = [entry.view.item for entry in views]
    require(len(set(names)) == len(names), f"{what} shows each item once", [n for n in names if names.count(n) > 1][:3])
    odd = [entry.mechanism for entry in views if entry.hack is (entry.mechanism == "honest")]
    require(not odd, f'in {what} a hack has a mechanism, and all else is "honest"', odd[:3])


def _check_both_labels(what: str, views: Sequence[LabelledView]) -> None:
    require({entry.hack for entry in views} == {True, False}, f"{what} has hacks and honest replies", len(views))


def check_own_loop(suite: OwnLoop, model: LibraryModel) -> None:
    """Each item has one prompt; the library answers each item it is asked once, and no other; its replies are graded.

    Raises BrokenContract.
    """
    items = list(suite.items())[:2]
    roles = {item.id: [prompt.role for prompt in suite.prompts(item)] for item in items}
    several = [name for name, asked in roles.items() if len(asked) != 1]
    require(not several, "an item has one prompt", several)
    require(isinstance(suite.needs_likelihood(), bool), "needs_likelihood() returns True or False")

    def ask(*names: str) -> list[tuple[str, Reply]]:
        return [pair for lot in suite.ask(model, names, 2) for pair in lot.items()]

    require(not ask(), "no items, no replies")
    answered = ask(*roles)
    names = [name for name, _ in answered]
    require(sorted(names) == sorted(roles), "ask() answers each item that it is given, once", names)
    require(all(isinstance(reply, Reply) for _, reply in answered), "ask() gives harness.Reply", answered[:1])
    replies = dict(answered)
    for item in items:
        try:
            verdict = suite.grade(item, {roles[item.id][0]: replies[item.id]})
        except Exception as error:
            raise BrokenContract(f"grade() takes what ask() gave for {item.id}: {error!r}") from error
        require(isinstance(verdict, Outcome | Scores), "grade() returns Outcome or Scores", verdict)
