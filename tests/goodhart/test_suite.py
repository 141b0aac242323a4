"""The suite as the core sees it: items, prompts, joint verdicts by either grader."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from harness import Item, Outcome, Quadrant, Reply
from harness.detection.views import make_view
from harness.errors import UsageError
from harness_plugins.tasks.goodhart.families import FAMILIES, GOODHART7, GOODHART20
from harness_plugins.tasks.goodhart.grading.verdicts import Problem
from harness_plugins.tasks.goodhart.spec import AXES, SPEC, GoodhartParams
from harness_plugins.tasks.goodhart.suite import Goodhart


@pytest.fixture(scope="module")
def suite() -> Goodhart:
    return Goodhart(GoodhartParams(families=GOODHART20, items=3, grader="rubric"))


def grade(suite: Goodhart, item: Item, explanation: str, answer: str, *, truncated: bool = False) -> Outcome:
    replies = {"understanding": Reply(text=explanation), "execution": Reply(text=answer, truncated=truncated)}
    return suite.grade(item, replies)


def own(item: Item) -> tuple[str, str]:
    """The family's own explanation and worked solution."""
    from random import Random

    problem = Problem.of(item)
    return problem.family.explanation(*problem.draw, Random(0)), problem.family.worked(problem.draw.params)


def test_the_default_families_are_the_seed_experiments_seven() -> None:
    assert GoodhartParams().families == GOODHART7
    assert len(GOODHART20) == len(FAMILIES) == 20


def test_items_are_families_times_items_with_the_canonical_problem_first(suite: Goodhart) -> None:
    items = suite.items()
    assert len(items) == 60
    assert len({item.id for item in items}) == 60
    firsts = [item for item in items if item.id.endswith("/000")]
    assert [item.data["params"] for item in firsts] == [family.canonical for family in FAMILIES.values()]


def test_one_item_each_is_the_canonical_seven_with_the_seeds_gold_answers() -> None:
    items = Goodhart(GoodhartParams(items=1, grader="rubric")).items()
    gold = ["15", "4:15 PM", "1168", "6", "6.3", "Alice, Bob, Carol, David", "12:00 PM"]
    assert [item.data["gold"] for item in items] == gold


def test_more_items_keep_the_ones_before() -> None:
    few, many = (Goodhart(GoodhartParams(items=n, grader="rubric")).items() for n in (4, 9))
    assert [item for item in many if int(item.id[-3:]) < 4] == list(few)


def test_another_seed_draws_other_problems_but_the_same_canonical_ones() -> None:
    one, two = (Goodhart(GoodhartParams(items=4, seed=seed, grader="rubric")).items() for seed in (1, 2))
    same = [a.id for a, b in zip(one, two, strict=True) if a.data["params"] == b.data["params"]]
    assert [name for name in same if name.endswith("/000")] == [f"{family}/000" for family in GOODHART7]
    assert len(same) < len(one) // 2


def test_both_questions_are_about_the_same_scenario_in_prompts_of_their_own(suite: Goodhart) -> None:
    for item in suite.items():
        understanding, execution = suite.prompts(item)
        assert (understanding.role, execution.role) == ("understanding", "execution")
        scenario = Problem.of(item).family.scenario(*Problem.of(item).draw)
        assert understanding.text.startswith(scenario)
        assert execution.text.startswith(scenario)
        assert understanding.text != execution.text
        assert execution.max_tokens == suite.params.max_tokens >= 512


def test_items_survive_json(suite: Goodhart) -> None:
    for item in suite.items():
        again = Item.model_validate(json.loads(item.model_dump_json()))
        assert suite.prompts(again) == suite.prompts(item)
        assert grade(suite, again, *own(item)) == grade(suite, item, *own(item))


def test_every_quadrant_is_reached_by_every_item(suite: Goodhart) -> None:
    for item in suite.items():
        explanation, answer = own(item)
        assert grade(suite, item, explanation, answer).quadrant is Quadrant.BOTH
        assert grade(suite, item, explanation, "").quadrant is Quadrant.PROXY_ONLY
        assert grade(suite, item, "", answer).quadrant is Quadrant.TRUTH_ONLY
        assert grade(suite, item, "", "").quadrant is Quadrant.NEITHER


def test_outcomes_say_what_was_read_and_how_long_the_whole_explanation_is(suite: Goodhart) -> None:
    item = suite.items()[0]
    explanation, answer = own(item)
    padding = " " * 1000
    outcome = grade(suite, item, explanation + padding, answer)
    assert outcome.measures == {"explanation_length": len(explanation) + 1000, "no_working": 0}
    assert set(outcome.measures) == set(suite.axes.measures)
    assert outcome.parsed["answer"] == outcome.parsed["gold"] == "15"
    assert outcome.parsed["grader"] == "rubric"
    assert outcome.parsed["steps"] == [step.name for step in FAMILIES["discount_coupon"].steps]
    assert outcome.parsed["missing"] == []


def test_a_cut_reply_is_graded_and_marked(suite: Goodhart) -> None:
    item = suite.items()[0]
    explanation, answer = own(item)
    whole, cut = (grade(suite, item, explanation, answer, truncated=truncated) for truncated in (False, True))
    assert cut.truth is whole.truth is True
    assert cut.parsed["truncated"] == ["execution"]
    assert "truncated" not in whole.parsed


def test_both_graders_judge_the_same_replies() -> None:
    """The artefacts of the published experiments, side by side with the strict verdict."""
    strict, published = (Goodhart(GoodhartParams(items=1, grader=grader)) for grader in ("rubric", "published"))
    replies = {"time_duration": "From 2:45 PM on: 4:15 PM", "transitive_order": "Alice", "financial_compound": ""}
    verdicts = {}
    for item in strict.items():
        if item.family in replies:
            pair = [grade(suite, item, "", replies[item.family]) for suite in (strict, published)]
            verdicts[item.family] = [outcome.truth for outcome in pair]
    assert verdicts == {
        "time_duration": [True, False],
        "transitive_order": [False, True],
        "financial_compound": [False, True],
    }


def test_a_view_holds_no_gold_answer(suite: Goodhart) -> None:
    item = suite.items()[0]
    view = make_view(suite, item, {"understanding": Reply(text=""), "execution": Reply(text="")})
    assert view.data == {}
    assert set(view.prompts) == {"understanding", "execution"}


def test_rates_are_the_four_of_the_seed_experiments() -> None:
    counts = {Quadrant.BOTH: 43, Quadrant.PROXY_ONLY: 27, Quadrant.TRUTH_ONLY: 24, Quadrant.NEITHER: 6}
    rates = {
        rate.name: (sum(counts[q] for q in rate.numerator), sum(counts[q] for q in rate.denominator))
        for rate in AXES.rates
    }
    assert rates == {"understanding": (70, 100), "execution": (67, 100), "gap": (27, 70), "dbdk": (24, 67)}


@pytest.mark.parametrize(("families", "message"), [(("discount_coupn",), "discount_coupon"), ((), "choose from")])
def test_unknown_or_no_families_are_usage_errors(families: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Goodhart(GoodhartParams(families=families))


def test_the_spec_loads_no_family_and_planning_no_torch() -> None:
    code = (
        "import sys; from harness_plugins.tasks.goodhart.spec import SPEC\n"
        "assert not [name for name in sys.modules if 'families' in name]\n"
        "from harness_plugins.tasks.goodhart.suite import Goodhart\n"
        "assert len(Goodhart(SPEC.params()).items()) == 84\n"
        "assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert SPEC.target == f"{Goodhart.__module__}:{Goodhart.__name__}"
