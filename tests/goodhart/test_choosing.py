"""The suite under `understanding=choose`: what it asks, how stored likelihoods are graded, and a run of the command."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness import Item, Outcome, Quadrant, Reply
from harness.errors import UsageError
from harness.lm_eval.backends.locate import needs_likelihood, refuse_unsupported
from harness.registry.backend import Backend
from harness.registry.catalogue import load_catalogue
from harness.registry.component import Component
from harness.registry.plugins import load_plugins
from harness.testing.assertions import replies_of
from harness.testing.suite import check_suite
from harness_plugins.tasks.goodhart.spec import CHOOSE, EXPLAIN, SPEC, GoodhartParams
from harness_plugins.tasks.goodhart.suite import Goodhart

ROLES = [f"understanding/{s}" for s in range(4)]


@pytest.fixture(scope="module")
def suite() -> Goodhart:
    return Goodhart(GoodhartParams(items=8))


def grade(suite: Goodhart, item: Item, matrix: Sequence[Sequence[float]], answer: str) -> Outcome:
    """The verdict where every paraphrase of procedure c has likelihood matrix[s][c] in scenario s."""
    replies = {"execution": Reply(text=answer)}
    for role, row in zip(ROLES, matrix, strict=True):
        replies[role] = Reply(text="", choice_log_likelihoods=tuple(value for value in row for _ in range(3)))
    return suite.grade(item, replies)


def knowing(*known: int) -> list[list[float]]:
    """Procedures and scenarios of unequal prior; the scenarios `known` make their own procedure likelier by 3 nats."""
    return [[-40.0 - 9 * c + 2 * s + (3 if s == c and s in known else 0) for c in range(4)] for s in range(4)]


def gold(item: Item) -> str:
    return f"Answer: {item.data['gold']}"


def test_items_are_the_scenarios_of_sets_and_the_first_is_canonical(suite: Goodhart) -> None:
    items = suite.items()
    assert len({item.id for item in items}) == len(items) == 7 * 2 * 4
    explained = Goodhart(GoodhartParams(items=1, grader="rubric")).items()
    firsts = [item for item in items if item.id.endswith("/000")]
    assert [item.data["gold"] for item in firsts] == [item.data["gold"] for item in explained]


def test_choosing_is_the_default_and_sets_are_whole() -> None:
    assert GoodhartParams().understanding == "choose"
    families = ("discount_coupon", "tip_split")
    counts = [len(Goodhart(GoodhartParams(families=families, items=n)).items()) for n in (1, 4, 5, 10)]
    assert counts == [8, 8, 16, 24]


def test_the_published_grader_reads_explanations_unless_told_otherwise() -> None:
    for grader in ("published", "seed"):
        assert GoodhartParams.model_validate({"grader": grader}).understanding == "explain"
    assert GoodhartParams(grader="published", understanding="choose").understanding == "choose"
    published = Goodhart(GoodhartParams(grader="published", items=1))
    assert [[p.role for p in published.prompts(item)] for item in published.items()] == [
        ["understanding", "execution"]
    ] * 7


def test_parameters_that_were_stored_before_there_were_readings_are_those_of_explaining() -> None:
    stored = Component(
        kind="tasks", label="goodhart7", preset="goodhart7", plugin="goodhart", target="", params={"grader": "strict"}
    )
    params = load_catalogue(load_plugins()).stored_params(stored)
    assert (params["understanding"], params["execution"], params["grader"]) == ("explain", "worked", "rubric")
    assert len(Goodhart(GoodhartParams.model_validate(params)).items()) == 70


def test_each_item_asks_the_choices_of_its_whole_set_and_its_own_execution(suite: Goodhart) -> None:
    asked = [suite.prompts(item) for item in suite.items()[:4]]
    for prompts in asked:
        assert [prompt.role for prompt in prompts] == [*ROLES, "execution"]
        assert prompts[:4] == asked[0][:4]
        assert [len(prompt.choices) for prompt in prompts] == [12] * 4 + [0]
    assert len({prompts[4].text for prompts in asked}) == 4


def test_an_item_knows_when_the_interaction_is_above_zero_whatever_the_priors(suite: Goodhart) -> None:
    for own, item in enumerate(suite.items()[:4]):
        outcome = grade(suite, item, knowing(0, 1, 2, 3), gold(item))
        assert outcome.quadrant is Quadrant.BOTH
        expected = {"prefers": float(own == 0), "recognizes": float(own >= 2), "margin": 6.0, "whole_set": 1.0}
        assert {name: outcome.measures[name] for name in CHOOSE.measures} == expected
        assert grade(suite, item, knowing(0, 1, 2, 3), "").quadrant is Quadrant.PROXY_ONLY


def test_a_tie_is_not_known(suite: Goodhart) -> None:
    for item in suite.items()[:4]:
        outcome = grade(suite, item, knowing(), gold(item))
        assert outcome.quadrant is Quadrant.TRUTH_ONLY
        assert (outcome.measures["margin"], outcome.measures["whole_set"]) == (0.0, 0.0)


def test_one_known_scenario_is_known_and_the_set_is_not(suite: Goodhart) -> None:
    verdicts = [grade(suite, item, knowing(2), "") for item in suite.items()[:4]]
    assert [outcome.proxy for outcome in verdicts] == [False, False, True, False]
    assert {outcome.measures["whole_set"] for outcome in verdicts} == {0.0}


def test_without_the_likelihoods_of_the_whole_set_nothing_is_known(suite: Goodhart) -> None:
    item = suite.items()[0]
    whole = replies_of(suite, item, gold(item))
    for broken in ({**whole, ROLES[3]: Reply(text="a")}, {r: whole[r] for r in whole if r != ROLES[1]}, {}):
        outcome = suite.grade(item, broken)
        assert (outcome.proxy, set(outcome.measures)) == (False, {"no_working"})
        assert outcome.parsed["missing"] == "likelihoods of the whole set"
        assert outcome.truth == ("execution" in broken)


def test_an_answer_is_right_for_its_own_scenario_only_by_either_grader(suite: Goodhart) -> None:
    published = Goodhart(GoodhartParams(items=8, understanding="choose", grader="published"))
    items = suite.items()[:4]
    for one in (suite, published):
        right = [[grade(one, item, knowing(), gold(other)).truth for other in items] for item in items]
        assert right == [[item is other for other in items] for item in items]


def test_the_suite_keeps_its_contract_under_this_reading_too() -> None:
    check_suite(SPEC, {"understanding": "choose", "items": 1})


def test_the_axes_follow_the_reading() -> None:
    def proxy(**params) -> str:
        axes = SPEC.axes_under(params)
        assert axes is not None
        return axes.proxy

    assert proxy() == proxy(understanding="explain") == EXPLAIN.label  # none: an earlier version stored them
    assert proxy(understanding="choose") == proxy(understanding="all") == CHOOSE.label


def test_a_backend_without_likelihoods_is_refused_in_one_line(suite: Goodhart) -> None:
    assert needs_likelihood(suite)
    assert not needs_likelihood(Goodhart(GoodhartParams(understanding="explain")))
    with pytest.raises(UsageError, match="'local-chat-completions' does not give") as error:
        refuse_unsupported(Backend(name="local-chat-completions"), suite, "goodhart7", (), ())
    assert "\n" not in str(error.value)


def test_a_run_through_the_command_names_the_reading_and_copies_shared_likelihoods(tmp_path: Path) -> None:
    families = json.dumps(["discount_coupon", "tip_split"])
    command = [sys.executable, "-m", "harness", "run", "--tasks", "goodhart7", "--compressor", "none"]
    command += [
        "-P",
        "goodhart7.understanding=choose",
        "-P",
        "goodhart7.items=1",
        "-P",
        f"goodhart7.families={families}",
    ]
    done = subprocess.run([*command, "--out", tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    report = (tmp_path / "report" / "report.md").read_text()
    assert "Joint outcomes (samples), understanding by choosing" in report
    assert "smallest margin (nats)" in report
    (samples,) = tmp_path.glob("cells/*/samples.jsonl")
    rows = [row for row in map(json.loads, samples.read_text().splitlines()) if row["role"] in ROLES]
    assert len(rows) == 2 * 4 * 4
    by_prompt: dict[tuple[str, str], list[list[float]]] = {}
    for row in rows:
        family = row["item"].partition("/")[0]
        by_prompt.setdefault((family, row["role"]), []).append(row["reply"]["choice_log_likelihoods"])
    assert all(copies == [copies[0]] * 4 for copies in by_prompt.values())
