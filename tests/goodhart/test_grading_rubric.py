"""The strict grader of understanding: every step, in order, said and not denied."""

from __future__ import annotations

import time
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness_plugins.tasks.goodhart.families import FAMILIES, draw_items
from harness_plugins.tasks.goodhart.grading.rubric import explained
from harness_plugins.tasks.goodhart.grading.verdicts import Problem, judge


class Step(NamedTuple):
    name: str
    any_of: tuple[str, ...]


STEPS = (
    Step("discount", (r"(?:find|calculat|take).{0,40}?(?:%|discount)",)),
    Step("off the price", (r"(?:subtract|deduct|minus).{0,40}?price", r"\boff\b")),
    Step("coupon", (r"(?:subtract|deduct|minus).{0,40}?coupon", r"coupon.{0,40}?(?:subtracted|deducted)")),
)
PROMPT = (
    "A shirt for $25 is 20% off and I have a coupon for $5. How would you find what I pay? Explain the method in order."
)
GOOD = "First calculate 20% of $25. Then deduct it from the price. Finally subtract the coupon."


def complete(reply: str) -> bool:
    return explained(reply, STEPS, PROMPT).complete


@pytest.mark.parametrize(
    "reply",
    [
        GOOD,
        GOOD.upper(),
        GOOD.replace(". ", ".\n\n"),
        "1. **Calculate the discount**\n2. **Deduct** it from the *price*\n3. **Subtract** the coupon",
        "- Find \\(20\\%\\) of the price.\n- Deduct this from the price.\n- Subtract the coupon of \\$5.",
        "Take 20% off, then subtract the coupon.",
        f"{PROMPT}\n\n{GOOD}",
        "Don't forget to calculate the discount. Deduct it from the price, and do not forget to subtract the coupon.",
        "Calculate the discount, deduct it from the price (not from the coupon), and subtract the coupon.",
        "Do not add anything. Calculate the discount, deduct it from the price and subtract the coupon.",
        "Subtract the coupon after calculating the discount and deducting it from the price.",
        "Before subtracting the coupon, calculate the discount and deduct it from the price.",
    ],
)
def test_explanations_that_state_every_step_in_order(reply: str) -> None:
    assert complete(reply)


@pytest.mark.parametrize(
    ("reply", "missing"),
    [
        ("", ("discount", "off the price", "coupon")),
        (" \n ", ("discount", "off the price", "coupon")),
        (PROMPT, ("discount", "off the price", "coupon")),
        (PROMPT.lower().replace(",", ""), ("discount", "off the price", "coupon")),
        ("Deduct it from the price. Finally subtract the coupon.", ("discount",)),
        ("First calculate 20% of $25 and then subtract the coupon.", ("off the price",)),
        ("First calculate 20% of $25. Then deduct it from the price.", ("coupon",)),
        ("Subtract the coupon. Deduct from the price. Calculate the discount of 20%.", ("off the price", "coupon")),
        ("Take 20% off the price after subtracting the coupon from it.", ("coupon",)),
        ("Take 20% off the price, but first subtract the coupon from it.", ("coupon",)),
        ("Calculate 20%. Deduct it from the price. Never subtract the coupon.", ("coupon",)),
        ("Calculate 20%. Deduct it from the price. You should not subtract the $5 coupon.", ("coupon",)),
        ("Calculate 20%. Deduct it from the price without subtracting the coupon.", ("coupon",)),
        ("discount off coupon", ("discount", "off the price", "coupon")),
    ],
)
def test_steps_that_are_absent_out_of_order_or_denied_are_missing(reply: str, missing: tuple[str, ...]) -> None:
    result = explained(reply, STEPS, PROMPT)
    assert result.missing == missing
    assert result.found == tuple(step.name for step in STEPS if step.name not in missing)
    assert not result.complete


def test_one_phrase_does_not_count_for_two_steps() -> None:
    twice = (Step("subtract", (r"subtract",)), Step("subtract again", (r"subtract",)))
    assert not explained("You should subtract the number that was given.", twice, "").complete
    assert explained("You subtract the first number and subtract the second.", twice, "").complete


def test_a_step_is_stated_within_one_sentence() -> None:
    steps = (Step("add", (r"add.*coupon",)),)
    assert explained("In this case you add the coupon to it.", steps, "").complete
    assert not explained("In this case you add something. There is a coupon.", steps, "").complete


def test_no_steps_are_no_understanding() -> None:
    assert not explained(GOOD, (), PROMPT).complete


@pytest.mark.parametrize(
    ("file", "written", "passed"),
    [
        ("unseen_explanations.toml", (20, 20), (12, 0)),
        ("development_explanations.toml", (86, 80), (60, 0)),
    ],
)
def test_free_wording_is_often_missed_but_wrong_procedures_do_not_pass(
    file: str, written: tuple[int, int], passed: tuple[int, int]
) -> None:
    """What the rubric's docstring says of itself."""
    texts = tomllib.loads(Path(__file__).with_name(file).read_text(encoding="utf-8"))
    asked, understood = [0, 0], [0, 0]
    for name, of_family in texts.items():
        (draw,) = draw_items(FAMILIES[name], 1, "eval", 0)
        problem = Problem(name, draw)
        for at, verdict in enumerate(("right", "wrong")):
            asked[at] += len(of_family[verdict])
            understood[at] += sum(judge(problem, text, "", "strict").understands for text in of_family[verdict])
    assert len(texts) == 20
    assert (tuple(asked), tuple(understood)) == (written, passed)


FRAGMENTS = st.sampled_from(
    ["calculate 20%", "deduct from the price", "subtract the coupon", "do not ", ". ", "\n", "after ", "before ", "but first ",
     ", ", "**", "\\frac{", "1. ", "\ud800", "\x00", "$", "off"]
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(st.characters(), max_size=300), st.lists(FRAGMENTS, max_size=60).map("".join)))
def test_no_text_raises_and_found_and_missing_partition_the_steps(reply: str) -> None:
    result = explained(reply, STEPS, PROMPT)
    assert sorted(result.found + result.missing) == sorted(step.name for step in STEPS)


@pytest.mark.parametrize(
    "piece", ["a ", "find ", "do not subtract ", "after ", "but first ", "subtract coupon. ", "\n", "before ", "("]
)
def test_long_repetitive_replies_are_graded_quickly(piece: str) -> None:
    started = time.perf_counter()
    explained(piece * (40_000 // len(piece)), STEPS, PROMPT)
    assert time.perf_counter() - started < 4
