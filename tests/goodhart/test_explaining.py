"""The grader that carries explanations out: what leads to this scenario's answer passes, what leads to a twin's does not."""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness_plugins.tasks.goodhart.explaining.catalogue import NAMED, TELLINGS
from harness_plugins.tasks.goodhart.explaining.judging import Explanation, judge
from harness_plugins.tasks.goodhart.explaining.notation import pattern
from harness_plugins.tasks.goodhart.explaining.telling import meaning
from harness_plugins.tasks.goodhart.matched.catalogue import STORIES
from harness_plugins.tasks.goodhart.matched.draw import draw_sets
from harness_plugins.tasks.goodhart.matched.story import MatchedSet

FAMILIES = (*TELLINGS, *NAMED)


@cache
def drawn(family: str) -> tuple[MatchedSet, ...]:
    return tuple(draw_sets(STORIES[family], 3, "eval", 1))


def canonical(family: str, reply: str, own: int = 0) -> Explanation:
    return judge(drawn(family)[0], own, reply)


@pytest.mark.parametrize("family", TELLINGS)
def test_a_telling_ends_in_the_gold_answer_of_every_scenario(family: str) -> None:
    for matched in drawn(family):
        for own, scenario in enumerate(matched.scenarios):
            answer = meaning(TELLINGS[family], STORIES[family], matched, own).answer.here
            if ":" in scenario.gold:
                hour, minute = scenario.gold.split()[0].split(":")
                minutes = 60 * (int(hour) % 12 + 12 * scenario.gold.endswith("PM")) + int(minute)
                assert (answer - minutes) % (24 * 60) == 0
            else:
                assert abs(answer - Fraction(scenario.gold)) <= Fraction(1, 20)  # some are rounded to tenths


@pytest.mark.parametrize("family", FAMILIES)
def test_a_worked_solution_leads_to_its_own_scenarios_answer_and_to_no_other(family: str) -> None:
    for matched in drawn(family):
        for own in range(len(matched.scenarios)):
            understood = [judge(matched, own, other.worked).understands for other in matched.scenarios]
            assert understood == [other == own for other in range(len(matched.scenarios))]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_procedure_of_the_set_is_right_in_its_own_scenario_alone(family: str) -> None:
    matched = drawn(family)[1]
    for right, procedure in enumerate(matched.procedures):
        for words in procedure.paraphrases:
            understood = [judge(matched, own, f" {words}\n").understands for own in range(len(matched.scenarios))]
            assert understood == [own == right for own in range(len(matched.scenarios))]


RIGHT = [
    ("discount_coupon", "Multiply $25 by 0.8 to get the sale price. Then subtract $5 from it."),
    ("discount_coupon", "1. **Calculate the discount**: $25 × 0.20 = $5.\n2. **Sale price**: $25 - $5 = $20.\n"
     "3. Subtract the coupon: 20 - 5 = 15."),
    ("discount_coupon", "Reduce the price by 20%, then apply the $5 coupon to the sale price."),
    ("discount_coupon", "Subtract the coupon after taking 20% off the price."),
    ("time_duration", "Add 1 hour to 2:45 PM to get 3:45 PM. Then add 30 minutes."),
    ("time_duration", "Add the duration of 1 hour and 30 minutes to the start time, 2:45 PM."),
    ("financial_compound", "Use the compound interest formula to find the final balance. "
     "Subtract the principal to get the gain. "
     "Multiply the gain by 0.2 to find the tax, and subtract the tax from the final balance."),
    ("recipe_scale", "Divide 6 by 4 to get the scaling factor. Multiply 2 cups by the factor. Multiply the result by 2."),
    ("unit_chain", "Divide 2 kilometers by 1.6 and add the result to 5 miles."),
    ("unit_chain", "Convert the distance in kilometers to miles. Add the distance in miles to the distance after the rest.\n"
     "Step 1: we divide 2 by 1.6: 2 / 1.6 = 1.25. Step 2: 5 miles + 1.25 miles = 6.25 miles."),
    ("task_schedule", "Add the plumbing time (2 hours) and the tiling time (1 hour). Add the total to 9:00 AM."),
    ("transitive_order", "Alice is taller than Bob and Bob is taller than Carol. Carol is taller than David. "
     "Put these together and list them from tallest to shortest."),
]  # fmt: skip

WRONG = [
    ("discount_coupon", "Multiply $25 by 0.20 to find the sale price. Then subtract $5 from it.", "leads nowhere"),
    ("discount_coupon", "Subtract the $5 coupon from the price of $25. Then reduce the result by 20%.", "twin"),
    ("discount_coupon", "Find 20% of $25: 25 × 0.2 = 6. Subtract it from $25, then subtract the $5 coupon.", "is not 6"),
    ("discount_coupon", "Subtract 20% of $25 from $25, then subtract the $5 coupon. The answer is $10.", "answer is not $10"),
    ("discount_coupon", "Find the sale price. The coupon is $10. Subtract the coupon from the sale price.",
     "coupon is not $10"),
    ("financial_compound", "Use the compound interest formula to find the final balance. "
     "Calculate 20% of the final balance, which is the tax, and subtract the tax from the final balance.", "twin"),
    ("time_duration", "Subtract 1 hour and 30 minutes from 2:45 PM.", "twin"),
    ("transitive_order", "Alice is the tallest. Carol is taller than Bob. List them from tallest to shortest.",
     "Carol is not above Bob"),
]  # fmt: skip


@pytest.mark.parametrize(("family", "reply"), RIGHT)
def test_explanations_that_lead_to_the_answer(family: str, reply: str) -> None:
    explanation = canonical(family, reply)
    assert explanation.understands, explanation
    assert explanation.found


@pytest.mark.parametrize(("family", "reply", "named"), WRONG)
def test_what_is_wrong_is_vetoed_and_named(family: str, reply: str, named: str) -> None:
    explanation = canonical(family, reply)
    assert not explanation.understands
    assert any(named in veto for veto in explanation.vetoes), explanation


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    "reply",
    ["", "I would read the question carefully and give the result.", "Follow these steps:", "The answer is near."],
)
def test_no_procedure_is_no_understanding(family: str, reply: str) -> None:
    assert not canonical(family, reply).understands
    prompt = drawn(family)[0].scenarios[0].understanding_prompt
    assert not canonical(family, prompt).understands


def test_the_order_of_the_same_steps_decides_by_the_scenario() -> None:
    sale_first = "Reduce the price by 20%, then subtract the $5 coupon from the result."
    coupon_first = "Subtract the $5 coupon from the price, then reduce the result by 20%."
    paid_after, _, paid_before, _ = range(4)
    assert canonical("discount_coupon", sale_first, paid_after).understands
    assert not canonical("discount_coupon", coupon_first, paid_after).understands
    assert not canonical("discount_coupon", sale_first, paid_before).understands
    assert canonical("discount_coupon", coupon_first, paid_before).understands


def test_a_noun_means_what_it_was_said_to_be() -> None:
    """A reply may call the discount "sale price": what counts is where its steps lead."""
    to_save = (
        "Multiply $25 by 0.20 to find the sale price. Add the sale price and the $5 coupon to get the total savings."
    )
    to_pay = "Multiply $25 by 0.20 to find the sale price. Subtract the $5 coupon from the sale price."
    assert canonical("discount_coupon", to_save, 1).understands
    assert not canonical("discount_coupon", to_pay).understands


def test_an_outline_may_use_what_the_details_work_out() -> None:
    outline = "1. Convert the kilometers to miles.\n2. Add the converted distance to 5 miles.\n"
    details = "Step 1: 2 km ÷ 1.6 km/mile = 1.25 miles.\nStep 2: 5 miles + 1.25 miles = 6.25 miles."
    assert canonical("unit_chain", outline + details).understands


def test_a_formula_of_a_twin_is_vetoed() -> None:
    formula = (
        r"The formula is \[ A = P \left(1 + \frac{r}{n}\right)^{nt} \] Find 20% of the gain and subtract it from A."
    )
    assert not canonical("financial_compound", formula, 2).understands
    assert any("twin" in veto for veto in canonical("financial_compound", formula, 2).vetoes)


def test_notation_of_nouns() -> None:
    assert pattern("[sale] (price|cost); tax[es] [due]") == "(?:(?:sale) )?(price|cost)|tax(?:es)?(?: (?:due))?"


FRAGMENTS = st.sampled_from(
    ["calculate 20% of ", "subtract ", "the price", " from ", "it", "by ", "( ", " ) ", "= ", "25", "0",
     " / ", "^ 9999", "\n", ". ",
     "**", ": ", "the sum of ", "twice", "2:45 PM", "Alice > Bob", "if ", "\ud800", "$", "to get "]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(FAMILIES), st.lists(FRAGMENTS, max_size=60).map("".join))
def test_no_text_raises(family: str, reply: str) -> None:
    explanation = canonical(family, reply)
    assert explanation.understands == (not explanation.vetoes and not explanation.missing)
