"""The readings side by side: programs run on fresh draws, answers with and without working, and all of them of one item."""

from __future__ import annotations

import pytest

from harness import Item, Outcome, Reply
from harness.errors import UsageError
from harness.testing.suite import check_suite
from harness_plugins.tasks.goodhart.families import GOODHART20
from harness_plugins.tasks.goodhart.matched.calls import DRAWS, Call, fresh_calls, is_right
from harness_plugins.tasks.goodhart.matched.twin import Twin
from harness_plugins.tasks.goodhart.readings import program
from harness_plugins.tasks.goodhart.self_check.programs import table
from harness_plugins.tasks.goodhart.spec import SPEC, GoodhartParams
from harness_plugins.tasks.goodhart.suite import Goodhart

PROGRAMS = Goodhart(GoodhartParams(items=2, understanding="program", families=GOODHART20))
DISCOUNT = next(item for item in PROGRAMS.items() if item.id == "discount_coupon/000")
RIGHT = "def solve(price, percent, coupon):\n    return price * (100 - percent) / 100 - coupon\n"


def knows(reply: str, item: Item = DISCOUNT) -> Outcome:
    return PROGRAMS.grade(item, {"program": Reply(text=reply)})


def calls_of(item: Item) -> list[Call]:
    return fresh_calls(Twin.of(item))


def test_a_right_program_is_known_in_whatever_it_is_wrapped() -> None:
    for reply in (RIGHT, f"Sure:\n\n```python\n{RIGHT}\nprint(solve(25, 20, 5))\n```\nIt works.", f"```\n{RIGHT}```"):
        outcome = knows(reply)
        assert (outcome.proxy, outcome.measures["program_share"], outcome.parsed["right"]) == (True, 1.0, "20 of 20")


@pytest.mark.parametrize(
    ("reply", "share"),
    [
        ("def solve(price, percent, coupon):\n    return (price - coupon) * (100 - percent) / 100\n", 0),  # the twin's
        ("def solve(price, percent, coupon):\n    return 15\n", 0),
        (RIGHT.replace("return", "return 1 / 0 if percent == 50 else"), None),  # the draws beside the fault still count
        (RIGHT.replace("solve", "work_out"), 0),
        ("def solve(price):\n    return price\n", 0),
        ("def solve(price, percent, coupon):\n    while True:\n        pass\n", 0),  # takes its three seconds
        ("import os\nos._exit(0)\n", 0),
        ("Reduce the price by the percentage, then subtract the coupon.", 0),
        ("", 0),
    ],
)
def test_anything_else_is_not_known(reply: str, share: float | None) -> None:
    outcome = knows(reply)
    assert not outcome.proxy
    if share is None:
        assert 0 < outcome.measures["program_share"] < 1
    else:
        assert outcome.measures["program_share"] == share


def test_a_program_never_sees_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes into the sandbox holds the draws and no gold answer: a program cannot return what it is not given."""
    seen = []

    class Recording:
        def call(self, source, entry, inputs, limits):
            seen.append((source, inputs))
            raise RuntimeError

    monkeypatch.setattr(program, "shared_sandbox", lambda kind: Recording())
    with pytest.raises(RuntimeError):
        knows(RIGHT)
    ((source, inputs),) = seen
    assert inputs == [list(call.arguments) for call in calls_of(DISCOUNT)]
    assert not any(call.gold in source.partition("PROGRAM = ")[2] for call in calls_of(DISCOUNT) if len(call.gold) > 2)


def test_draws_are_fresh_and_tell_a_scenario_from_its_twins() -> None:
    """A program that answers a twin's question fails, in every family and cell."""
    items = PROGRAMS.items()
    for item in items:
        own = {call.arguments: call.gold for call in calls_of(item)}
        assert len(own) == DRAWS
        assert tuple(program.arguments(Twin.of(item)).values()) not in own
        for twin in (each for each in items if (each.family, each.cluster) == (item.family, item.cluster)):
            theirs = {call.arguments: call.gold for call in calls_of(twin)}
            assert set(theirs) == set(own)
            assert (theirs == own) == (twin is item)


@pytest.mark.parametrize(
    ("value", "gold", "kind", "right"),
    [
        (15, "15", "number", True),
        (15.000001, "15", "number", True),
        ("15", "15", "number", True),
        (True, "1", "number", False),
        (6.25, "6.3", "number", True),  # not rounded
        (6.2, "6.3", "number", False),
        (None, "15", "number", False),
        (float("nan"), "15", "number", False),
        (975, "4:15 PM", "clock", True),
        (975 + 24 * 60, "4:15 PM", "clock", True),
        ("16:15", "4:15 PM", "clock", True),
        ("4:15", "4:15 PM", "clock", False),
        (["Ann", "ben"], "Ann, Ben", "sequence", True),
        ("Ann, Ben", "Ann, Ben", "sequence", True),
        (["Ben", "Ann"], "Ann, Ben", "sequence", False),
        ([1, 2], "Ann, Ben", "sequence", False),
        (" ann", "Ann", "name", True),
        (["Ann"], "Ann", "name", False),
    ],
)
def test_values_are_compared_as_their_kind(value, gold: str, kind: str, right: bool) -> None:
    assert is_right(value, gold, kind) is right


def test_every_prompt_names_the_numbers_of_its_story_as_arguments() -> None:
    (prompt,) = program.prompts(Twin.of(DISCOUNT), PROGRAMS.params)
    assert "solve(price=25, percent=20, coupon=5)" in prompt.text
    clock = next(item for item in PROGRAMS.items() if item.family == "time_duration")
    (prompt,) = program.prompts(Twin.of(clock), PROGRAMS.params)
    assert "solve(start=885, hours=1, minutes=30)" in prompt.text
    assert "minutes after midnight" in prompt.text


# ------------------------------------------------------------------------------------------------------------ execution

BOTH = Goodhart(GoodhartParams(items=1, understanding="explain", execution="both"))
WORKING = "20% of 25 is 5. 25-5=20. 20-5=15.\nAnswer: 15"


def execute(worked: str, terse: str) -> Outcome:
    replies = {"execution": Reply(text=worked), "execution/terse": Reply(text=terse)}
    return BOTH.grade(BOTH.items()[0], replies)


@pytest.mark.parametrize(
    ("reply", "missing"),
    [
        (WORKING, 0),
        ("Answer: 15", 1),
        ("**15**", 1),
        ("The shirt costs you $15 after the sale and the coupon.\n\nAnswer: 15", 1),
        ("25 * 0.8 - 5 = 15", 0),
        ("First take 20% off, then the coupon.\nAnswer: 15", 0),
        (
            "The tag on a shirt says $25. The shop is in the middle of a 20% off sale.\nAnswer: 15",
            1,
        ),  # the prompt's words
        ("", 1),
    ],
)
def test_replies_without_working_are_counted(reply: str, missing: int) -> None:
    assert execute(reply, "").measures["no_working"] == missing


def test_both_executions_are_asked_and_each_has_its_verdict() -> None:
    assert [prompt.role for prompt in BOTH.prompts(BOTH.items()[0])] == [
        "understanding",
        "execution",
        "execution/terse",
    ]
    right_when_worked = execute(WORKING, "Answer: 20")
    assert right_when_worked.truth
    assert {name: right_when_worked.measures[name] for name in ("worked", "terse")} == {"worked": 1, "terse": 0}
    assert right_when_worked.parsed["answer"] == "15"
    assert right_when_worked.parsed["terse"] == {"answer": "20"}
    assert not execute("Answer: 20", "Answer: 15").truth
    assert execute("", WORKING).measures["working_anyway"] == 1


def test_terse_alone_is_the_truth_and_is_asked_alone() -> None:
    suite = Goodhart(GoodhartParams(items=1, understanding="explain", execution="terse"))
    item = suite.items()[0]
    assert [prompt.role for prompt in suite.prompts(item)] == ["understanding", "execution/terse"]
    assert suite.grade(item, {"execution/terse": Reply(text="Answer: 15")}).truth
    assert "answer alone" in suite.axes.truth


# ------------------------------------------------------------------------------------------------------------ all of them


@pytest.mark.parametrize("understanding", ["choose", "letters", "program", "explain", "all"])
def test_items_are_the_same_scenarios_under_every_reading(understanding) -> None:
    suite = Goodhart(GoodhartParams(items=2, understanding=understanding, families=GOODHART20))
    assert suite.items() == PROGRAMS.items()


def test_under_all_the_first_reading_leads_and_every_verdict_is_stored() -> None:
    suite = Goodhart(GoodhartParams(items=1, understanding="all", execution="both"))
    item = suite.items()[0]
    leading = suite.axes.leading()
    assert [reading.name for reading in leading] == ["choose", "worked"]
    replies = {"program": Reply(text=table(calls_of(item)))}
    outcome = suite.grade(item, replies)
    assert not outcome.proxy  # chosen: no likelihoods
    verdicts = {reading.name: outcome.measures[reading.name] for reading in suite.axes.readings}
    assert verdicts == {name: float(name == "program") for name in verdicts}
    assert set(outcome.measures) <= set(suite.axes.measures)


def test_an_explanation_of_a_scenario_is_graded_as_that_of_no_twin() -> None:
    suite = Goodhart(GoodhartParams(items=1, understanding="all", families=("discount_coupon",)))
    told = (
        "First find 20% of the price of $25. Subtract that discount from the price of the shirt to get the sale price. "
        "Finally subtract the $5 coupon from the sale price."
    )
    verdicts = [suite.grade(item, {"understanding": Reply(text=told)}).measures["explain"] for item in suite.items()]
    assert verdicts == [1, 0, 0, 0]


def test_the_rubric_reads_explanations_of_problems_without_twins_and_nothing_else() -> None:
    rubric = Goodhart(GoodhartParams(items=3, grader="rubric"))
    assert rubric.params.understanding == "explain"
    assert len(rubric.items()) == 7 * 3
    assert not any("cell" in item.data for item in rubric.items())
    with pytest.raises(UsageError, match="the rubric reads explanations, not understanding=choose"):
        Goodhart(GoodhartParams(grader="rubric", understanding="choose"))


def test_only_a_suite_that_reads_programs_asks_for_a_sandbox() -> None:
    assert GoodhartParams(sandbox="process").sandbox is None
    assert GoodhartParams(understanding="program").sandbox == "bwrap"
    assert GoodhartParams(understanding="all", sandbox="strict").sandbox == "strict"


def test_the_suite_keeps_its_contract_with_all_readings() -> None:
    check_suite(SPEC, {"understanding": "all", "execution": "both", "items": 1})


def test_execution_by_likelihood_holds_the_right_answer_against_its_twins() -> None:
    suite = Goodhart(GoodhartParams(items=4, execution="scored", families=("discount_coupon",)))
    item = suite.items()[1]
    prompt = next(prompt for prompt in suite.prompts(item) if prompt.role == "execution/scored")
    assert prompt.choices == ("Answer: 15", "Answer: 10", "Answer: 16", "Answer: 9")
    assert not any(prompt.max_tokens and not prompt.scored for prompt in suite.prompts(item))
    right = suite.grade(item, {prompt.role: Reply(text="", choice_log_likelihoods=(-5.0, -2.0, -4.5, -9.0))})
    assert (right.truth, right.measures["answer_margin"], right.parsed["likeliest"]) == (True, 2.5, "10")
    tied = suite.grade(item, {prompt.role: Reply(text="", choice_log_likelihoods=(-2.0, -2.0, -4.5, -9.0))})
    assert (tied.truth, tied.measures["answer_margin"]) == (False, 0.0)
    assert not suite.grade(item, {}).truth
