"""The twenty families: golds by an independent oracle, sound workings, a clean split, prompts that give nothing away."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import islice, permutations
from random import Random

import pytest

from harness.errors import UsageError
from harness_plugins.tasks.goodhart.families import FAMILIES, GOODHART7, GOODHART20, Family, draw_items, sample_item
from harness_plugins.tasks.goodhart.families.base import CANONICAL_WORDING, OPENINGS, UNDERSTANDING_CLOSINGS
from harness_plugins.tasks.goodhart.grading.rubric import explained

CANONICAL_GOLDS = {
    "discount_coupon": "15",
    "time_duration": "4:15 PM",
    "financial_compound": "1168",
    "recipe_scale": "6",
    "unit_chain": "6.3",
    "transitive_order": "Alice, Bob, Carol, David",
    "task_schedule": "12:00 PM",
    "percentage_chain": "90",
    "average_weighted": "79",
    "reverse_percentage": "80",
    "timezone_convert": "12:30 PM",
    "elapsed_time": "155",
    "schedule_buffer": "1:00 PM",
    "temperature_convert": "30",
    "currency_exchange": "65",
    "ranking_update": "Dan",
    "set_intersection": "5",
    "loan_payment": "1100",
    "tip_split": "36",
    "profit_margin": "1000",
}

each_family = pytest.mark.parametrize("family", FAMILIES.values(), ids=lambda family: family.name)


def midnight(minutes: int) -> datetime:
    return datetime(2026, 1, 1) + timedelta(minutes=minutes)


def shown(moment: datetime) -> str:
    return moment.strftime("%I:%M %p").lstrip("0")


def order_by_search(scenario: str) -> str:
    """The only order of the named people that every comparison in the text allows."""
    claims = re.findall(r"(\w+) is (\w+) than (\w+)", scenario)
    downward = {"shorter", "younger", "slower", "poorer", "weaker", "quieter"}
    people = sorted({name for a, _, b in claims for name in (a, b)})
    fits = [
        order
        for order in permutations(people)
        if all((order.index(a) > order.index(b)) == (how in downward) for a, how, b in claims)
    ]
    assert len(fits) == 1
    return ", ".join(fits[0])


def race_by_swaps(p: dict) -> str:
    people = [p[place] for place in ("first", "second", "third", "fourth")]
    for move in (p["pass1"], p["pass2"]):
        people.insert(move - 1, people.pop(move))
    return people[p["asked"] - 1]


ORACLES = {
    "discount_coupon": lambda p: Fraction(p["price"]) * (1 - Fraction(p["percent"], 100)) - p["coupon"],
    "time_duration": lambda p: shown(midnight(p["start"]) + timedelta(hours=p["hours"], minutes=p["minutes"])),
    "financial_compound": lambda p: (
        p["principal"]
        + p["principal"] * ((1 + Fraction(p["rate"], 100)) ** p["years"] - 1) * (1 - Fraction(p["tax"], 100))
    ),
    "recipe_scale": lambda p: Fraction(p["cups"], p["old"]) * p["new"] * p["batches"],
    "unit_chain": lambda p: Fraction(int((p["miles"] + Fraction(p["extra"] * 10, 16)) * 10 + Fraction(1, 2)), 10),
    "task_schedule": lambda p: shown(
        midnight(60 * p["start"]) + timedelta(hours=max(p["first"] + p["second"], p["side"]))
    ),
    "percentage_chain": lambda p: p["base"] * Fraction(100 + p["up"], 100) * Fraction(100 - p["down"], 100),
    "average_weighted": lambda p: Fraction(p["weight"], 100) * p["one"] + (1 - Fraction(p["weight"], 100)) * p["two"],
    "reverse_percentage": lambda p: p["paid"] / (1 - Fraction(p["percent"], 100)),
    "timezone_convert": lambda p: shown(midnight(p["here"]) - timedelta(hours=p["behind"])),
    "elapsed_time": lambda p: Fraction((midnight(p["end"]) - midnight(p["start"])).seconds, 60),
    "schedule_buffer": lambda p: shown(midnight(p["due"]) - timedelta(minutes=p["travel"] + p["buffer"])),
    "temperature_convert": lambda p: Fraction(5, 9) * (p["reading"] - 32) + p["rise"],
    "currency_exchange": lambda p: Fraction(p["tenths"], 10) * p["amount"] - p["fee"],
    "ranking_update": race_by_swaps,
    "set_intersection": lambda p: Fraction(p["a"] + p["b"] + p["neither"] - p["total"]),
    "loan_payment": lambda p: p["loan"] * (1 + Fraction(p["rate"], 100)) / p["months"],
    "tip_split": lambda p: p["bill"] * (1 + Fraction(p["tip"], 100)) / p["people"],
    "profit_margin": lambda p: Fraction(p["units"] * p["price"] - p["units"] * p["cost"] - p["fixed"]),
}


def train_draws(family: Family, count: int) -> list:
    rng = Random(7)
    return [sample_item(family, "train", rng) for _ in range(count)]


def test_the_seven_come_first_and_canonical_golds_are_those_published() -> None:
    assert {name: family.answer(family.canonical) for name, family in FAMILIES.items()} == CANONICAL_GOLDS
    assert tuple(CANONICAL_GOLDS) == GOODHART20
    assert len(GOODHART7) == 7
    assert GOODHART20[:7] == GOODHART7


@each_family
def test_golds_agree_with_an_independent_oracle(family: Family) -> None:
    for params, wording in [*draw_items(family, 60, "eval", 3), *train_draws(family, 60)]:
        gold = family.answer(params)
        if family.name == "transitive_order":
            assert gold == order_by_search(family.scenario(params, wording))
        elif family.kind == "number":
            assert Fraction(gold) == ORACLES[family.name](params)
        else:
            assert gold == ORACLES[family.name](params)


@each_family
def test_every_equation_of_a_worked_solution_holds(family: Family) -> None:
    for params, _ in draw_items(family, 60, "eval", 4):
        *lines, last = family.worked(params).splitlines()
        assert lines
        assert last == f"Answer: {family.answer(params)}"
        for a, sign, b, c in re.findall(r"([\d.]+)([-+x/])([\d.]+)=([\d.]*\d)", " ".join(lines)):
            x, y = Fraction(a), Fraction(b)
            assert Fraction(c) == {"+": x + y, "-": x - y, "x": x * y, "/": x / y if y else None}[sign]
        for part, whole, share in re.findall(r"(\d+)% of (\d+) is (\d+)", " ".join(lines)):
            assert Fraction(int(part) * int(whole), 100) == int(share)


@each_family
def test_training_and_evaluation_share_no_problem_no_wording_and_no_prompt(family: Family) -> None:
    held_out, training = draw_items(family, 60, "eval", 0), train_draws(family, 2500)

    def params(draws: list) -> set:
        return {tuple(sorted(draw.params.items())) for draw in draws}

    def prompts(draws: list) -> set:
        return {text for d in draws for text in (family.understanding_prompt(*d), family.execution_prompt(*d))}

    assert not params(held_out) & params(training)
    assert not prompts(held_out) & prompts(training)
    assert not {d.wording.combination for d in held_out} & {d.wording.combination for d in training}
    assert tuple(sorted(family.canonical.items())) not in params(training)
    seen = [set(part) for part in zip(*(draw.wording for draw in training), strict=True)]
    counts = (len(OPENINGS), len(family.cores), len(UNDERSTANDING_CLOSINGS), len(family.casts))
    assert [len(part) for part in seen] == list(counts), "every component of a held-out wording occurs in training"


@each_family
def test_items_start_with_the_canonical_and_a_longer_draw_extends_a_shorter(family: Family) -> None:
    items = draw_items(family, 40, "eval", 0)
    assert items[0] == (family.canonical, CANONICAL_WORDING)
    assert draw_items(family, 12, "eval", 0) == items[:12]
    assert draw_items(family, 12, "eval", 1) != items[:12]
    assert len({str(item.params) for item in items}) == len(items)
    assert len({item.template for item in draw_items(family, 7, "eval", 0)}) >= 6
    assert family.canonical not in [params for params, _ in draw_items(family, 40, "train", 0)]


def test_asking_for_more_problems_than_there_are_is_one_clear_error() -> None:
    only_one = dataclasses.replace(FAMILIES["tip_split"], draw=lambda rng: {"bill": 40, "tip": 10, "people": 4})
    with pytest.raises(UsageError, match="distinct problems"):
        draw_items(only_one, 5, "eval", 0)
    assert draw_items(FAMILIES["tip_split"], 0, "eval", 0) == []


@each_family
def test_both_prompts_carry_the_scenario_and_only_execution_orders_a_format(family: Family) -> None:
    for params, wording in draw_items(family, 30, "eval", 1):
        scenario = family.scenario(params, wording)
        asked, ordered = family.understanding_prompt(params, wording), family.execution_prompt(params, wording)
        assert asked.startswith(scenario)
        assert ordered.startswith(scenario)
        assert "Answer:" in ordered
        assert "Answer:" not in asked
        assert "{" not in asked + ordered


@each_family
def test_the_rubric_takes_every_phrasing_and_neither_the_prompt_nor_a_missing_step(family: Family) -> None:
    rng = Random(0)
    assert len(family.steps) == len(family.method)
    for params, wording in draw_items(family, 25, "eval", 2):
        prompt = family.understanding_prompt(params, wording)
        told = family.explanation(params, wording, rng)
        assert explained(told, family.steps, prompt).complete, told
        assert not explained(prompt, family.steps, "").complete, prompt
        for left_out in range(len(family.method)):
            partial = family.explanation(params, wording, rng, forget=left_out)
            assert not explained(partial, family.steps, prompt).complete, partial


def test_families_import_without_torch() -> None:
    code = "import sys, harness_plugins.tasks.goodhart.families; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_sampling_never_runs_dry() -> None:
    rng = Random(1)
    family = FAMILIES["financial_compound"]
    endless = (sample_item(family, "eval", rng).params for _ in iter(int, 1))
    assert len({str(params) for params in islice(endless, 2000)}) > 60
