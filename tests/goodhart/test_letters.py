"""Choosing by letters: every rotation is asked, replies are read, and only the interaction counts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness import Outcome, Reply
from harness.testing.suite import check_suite
from harness_plugins.tasks.goodhart.matched.letters import picked
from harness_plugins.tasks.goodhart.matched.twin import Twin
from harness_plugins.tasks.goodhart.spec import SPEC, GoodhartParams
from harness_plugins.tasks.goodhart.suite import Goodhart

SUITE = Goodhart(GoodhartParams(items=1, understanding="letters", families=("discount_coupon",)))


def graded(pick: Callable[[int, int], str]) -> list[Outcome]:
    """The verdicts on a set where `pick(scenario, rotation)` is the reply."""
    replies = {f"letters/{s}/{r}": Reply(text=pick(s, r)) for s in range(4) for r in range(4)}
    return [SUITE.grade(item, replies) for item in SUITE.items()]


def letter(procedure: int, rotation: int) -> str:
    return "ABCD"[(procedure - rotation) % 4]


def test_every_scenario_is_asked_under_every_rotation() -> None:
    prompts = SUITE.prompts(SUITE.items()[0])
    assert [prompt.role for prompt in prompts[:-1]] == [f"letters/{s}/{r}" for s in range(4) for r in range(4)]
    matched = Twin.of(SUITE.items()[0]).matched
    for rotation, prompt in enumerate(prompts[:4]):
        right = matched.procedures[0].paraphrases[rotation % 3]
        assert f"{letter(0, rotation)}) {right}" in prompt.text
    assert len({prompt.text for prompt in prompts}) == 17


def test_who_always_picks_the_right_one_knows_by_the_largest_margin() -> None:
    for outcome in graded(letter):
        assert outcome.proxy
        assert outcome.measures["letter_margin"] == 8
        assert outcome.measures["letters_read"] == 1


@pytest.mark.parametrize(
    "pick",
    [
        lambda s, r: "A",  # a letter
        lambda s, r: letter(2, r),  # a procedure
        lambda s, r: letter(2, r) if s % 2 else letter(1, r),  # a procedure by one turn alone
        lambda s, r: "I do not know.",
        lambda s, r: "",
    ],
)
def test_a_preference_for_a_letter_or_a_procedure_knows_nothing(pick: Callable[[int, int], str]) -> None:
    assert not any(outcome.proxy for outcome in graded(pick))


def test_half_of_the_rotations_are_enough_where_the_rest_is_a_preference() -> None:
    outcomes = graded(lambda s, r: letter(s, r) if r < 2 else "A")
    assert all(outcome.proxy for outcome in outcomes)
    assert {outcome.measures["letter_margin"] for outcome in outcomes} == {4.0}


@pytest.mark.parametrize(
    ("reply", "position"),
    [
        ("B", 1),
        ("b", None),
        ("B)", 1),
        ("**C**", 2),
        ("(D)", 3),
        ("The answer is B.", 1),
        ("Answer: C) Reduce the price", 2),
        ("A", 0),
        ("A procedure that fits is B)", 1),  # an article
        ("B or C", None),
        ("It could be B. or C.", None),
        ("E", None),
        ("I'd go with D", 3),
        ("", None),
    ],
)
def test_replies_are_read_as_they_are_written(reply: str, position: int | None) -> None:
    assert picked(reply, 4) == position


def test_the_suite_keeps_its_contract_under_this_reading() -> None:
    check_suite(SPEC, {"understanding": "letters", "items": 1, "families": ["discount_coupon", "tip_split"]})
