"""The twenty stories: answers worked by hand, the published problem in front, twins that differ in the procedure alone."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import datetime, timedelta
from fractions import Fraction
from operator import add, mul, sub, truediv

import pytest

from harness import Reply
from harness.errors import UsageError
from harness_plugins.tasks.goodhart.families import FAMILIES, is_held_out
from harness_plugins.tasks.goodhart.families.base import CANONICAL_WORDING
from harness_plugins.tasks.goodhart.grading.answers import final_answer, is_right
from harness_plugins.tasks.goodhart.matched import asking
from harness_plugins.tasks.goodhart.matched.catalogue import STORIES
from harness_plugins.tasks.goodhart.matched.check import faults
from harness_plugins.tasks.goodhart.matched.controls import CONTROLS, known
from harness_plugins.tasks.goodhart.matched.draw import draw_sets, items
from harness_plugins.tasks.goodhart.matched.sheet import Sheet
from harness_plugins.tasks.goodhart.matched.story import Story, written
from harness_plugins.tasks.goodhart.matched.template import cells, render
from harness_plugins.tasks.goodhart.matched.twin import Twin
from harness_plugins.tasks.goodhart.matched.words import numbers

GOLDS = {  # of the canonical sets: first turn slower; (0, 0), (0, 1), (1, 0), (1, 1)
    "discount_coupon": ("15", "10", "16", "9"),
    "time_duration": ("4:15 PM", "3:15 PM", "1:15 PM", "2:15 PM"),
    "financial_compound": ("1168", "968", "1160", "960"),
    "recipe_scale": ("6", "1.5", "10", "2.5"),
    "unit_chain": ("6.3", "3.8", "10", "6"),
    "transitive_order": (
        "Alice, Bob, Carol, David", "David, Alice, Bob, Carol", "David, Carol, Bob, Alice", "Carol, Bob, Alice, David",
    ),
    "task_schedule": ("12:00 PM", "6:00 AM", "2:00 PM", "4:00 AM"),
    "percentage_chain": ("90", "60", "95", "55"),
    "average_weighted": ("79", "9", "76", "6"),
    "reverse_percentage": ("80", "16", "51.2", "12.8"),
    "timezone_convert": ("12:30 PM", "1:30 PM", "6:30 PM", "7:30 PM"),
    "elapsed_time": ("155", "310", "95", "190"),
    "schedule_buffer": ("1:00 PM", "1:45 PM", "1:30 PM", "2:15 PM"),
    "temperature_convert": ("30", "20", "86", "68"),
    "currency_exchange": ("65", "75", "66.5", "73.5"),
    "ranking_update": ("Dan", "Cal", "Ben", "Ann"),
    "set_intersection": ("5", "11", "3", "13"),
    "loan_payment": ("1100", "12100", "2200", "24200"),
    "tip_split": ("36", "6", "48", "8"),
    "profit_margin": ("1000", "10", "2188", "21.88"),
}  # fmt: skip

each_story = pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)


def test_every_family_has_a_story() -> None:
    assert list(STORIES) == list(FAMILIES) == list(GOLDS)


@each_story
def test_the_canonical_set_begins_with_the_published_problem(story: Story) -> None:
    family, (canonical, *_) = story.family, draw_sets(story, 1, "eval", 1)
    first = canonical.scenarios[0]
    assert tuple(scenario.gold for scenario in canonical.scenarios) == GOLDS[family.name]
    assert first.gold == family.answer(family.canonical)
    assert first.understanding_prompt == family.understanding_prompt(family.canonical, CANONICAL_WORDING)
    assert first.execution_prompt == family.execution_prompt(family.canonical, CANONICAL_WORDING)


@each_story
def test_the_first_scenario_is_always_the_familys_own_problem(story: Story) -> None:
    for matched in draw_sets(story, 15, "eval", 2):
        assert matched.scenarios[0].gold == story.family.answer(matched.draw.params)
        assert matched.scenarios[0].text == story.family.scenario(*matched.draw)


@each_story
@pytest.mark.parametrize("split", ["eval", "train"])
def test_drawn_sets_have_no_fault_and_stay_on_their_side(story: Story, split: str) -> None:
    sets = draw_sets(story, 25, split, 3)  # type: ignore[arg-type]
    assert {fault for matched in sets for fault in faults(matched)} == set()
    assert len({str(matched.draw.params) for matched in sets}) == 25
    for matched in sets:
        texts = [scenario.text for scenario in matched.scenarios]
        assert len(set(texts)) == len(texts) == 4
        assert len({frozenset(numbers(text)) for text in texts}) == 1
        if matched.draw.params != story.family.canonical:
            assert is_held_out(story.family, matched.draw.params) == (split == "eval")


@each_story
def test_a_longer_draw_extends_a_shorter_and_seeds_differ(story: Story) -> None:
    sets = draw_sets(story, 8, "eval", 1)
    assert draw_sets(story, 3, "eval", 1) == sets[:3]
    assert draw_sets(story, 8, "eval", 2)[1:] != sets[1:]
    assert draw_sets(story, 0, "eval", 1) == []


@each_story
def test_choosers_without_understanding_know_nothing(story: Story) -> None:
    sets = draw_sets(story, 40, "eval", 4)
    assert {name: str(known([chooser(s) for s in sets])) for name, chooser in CONTROLS.items()} == {
        "scenario-blind": "0 of 160",
        "word-overlap": "0 of 160",
    }


@each_story
def test_worked_solutions_are_true_line_by_line_and_end_in_the_answer(story: Story) -> None:
    for matched in draw_sets(story, 25, "eval", 5):
        workings = [scenario.working for scenario in matched.scenarios]
        assert len(set(workings)) == 4 or story.family.name in ("task_schedule", "transitive_order")
        for scenario in matched.scenarios:
            assert [line for line in scenario.working if is_true(line) is False] == []
            assert scenario.working[-1].removesuffix(".").replace(" > ", ", ").endswith(f" {scenario.gold}".lstrip())
            assert scenario.worked.splitlines() == [*scenario.working, f"Answer: {scenario.gold}"]
            reading = final_answer(scenario.worked, scenario.question)
            assert is_right(reading, scenario.gold, scenario.question)


def is_true(line: str) -> bool | None:
    """Of a line of arithmetic, worked again here; None of any other line."""
    if match := re.fullmatch(r"([\d.]+)([-+x/])([\d.]+)=([\d.]+)\.", line):
        a, b, result = (Fraction(match[i]) for i in (1, 3, 4))
        return {"+": add, "-": sub, "x": mul, "/": truediv}[match[2]](a, b) == result
    if match := re.fullmatch(r"([\d.]+)% of ([\d.]+) is ([\d.]+)\.", line):
        return Fraction(match[1]) * Fraction(match[2]) == 100 * Fraction(match[3])
    if match := re.fullmatch(r"(.*M) (plus|minus) (\d+) (minute|hour)s? is (.*M)\.", line):
        length = timedelta(**{f"{match[4]}s": int(match[3])})
        start, end = (datetime.strptime(match[i], "%I:%M %p") for i in (1, 5))
        return (start + (length if match[2] == "plus" else -length)).time() == end.time()
    if match := re.fullmatch(r"From (.*M) to (.*M) is (\d+) minutes?\.", line):
        start, end = (datetime.strptime(match[i], "%I:%M %p") for i in (1, 2))
        return end - start == timedelta(minutes=int(match[3]))
    if match := re.fullmatch(r"The longer of (\d+) and (\d+) is (\d+)\.", line):
        return max(int(match[1]), int(match[2])) == int(match[3])
    return False if any(sign in line for sign in "=%+") else None


def test_a_step_whose_value_cannot_be_written_out_is_refused() -> None:
    sheet = Sheet()
    assert sheet.divide(2, Fraction(16, 10)) == Fraction(5, 4)
    assert sheet.later(23 * 60, 90) == 24 * 60 + 30
    assert sheet.lines == ["2/1.6=1.25.", "11:00 PM plus 90 minutes is 12:30 AM."]
    with pytest.raises(ValueError, match="decimals"):
        sheet.divide(1, 3)


@each_story
def test_the_grader_of_execution_takes_each_scenarios_answer_and_none_of_its_twins(story: Story) -> None:
    for matched in draw_sets(story, 4, "eval", 5):
        for scenario in matched.scenarios:
            for other in matched.scenarios:
                reading = final_answer(f"Answer: {other.gold}", scenario.question)
                assert is_right(reading, scenario.gold, scenario.question) == (other is scenario)


@each_story
def test_a_set_is_a_cluster_of_items_and_can_be_found_again_from_any(story: Story) -> None:
    sets = draw_sets(story, 3, "eval", 1)
    drawn = items(sets)
    assert [item.id for item in drawn] == [f"{story.family.name}/{i:03d}" for i in range(12)]
    assert [item.cluster for item in drawn] == [f"set{i:03d}" for i in range(3) for _ in range(4)]
    for index, item in enumerate(drawn):
        assert Twin.of(item) == Twin(sets[index // 4], index % 4)
        assert item.data["gold"] == sets[index // 4].scenarios[index % 4].gold


def test_asking_for_more_sets_than_there_are_is_one_clear_error() -> None:
    with pytest.raises(UsageError, match="reverse_percentage has too few matched sets"):
        draw_sets(STORIES["reverse_percentage"], 2000, "eval", 1)


def test_a_turn_may_stand_in_several_places_and_two_turns_may_choose_together() -> None:
    texts = [render("[2:a|b][1:x|y|z]{n}[12:1|2|3|4|5|6]", cell, (3, 2), {"n": 7}) for cell in cells((3, 2))]
    assert texts == ["ax71", "bx72", "ay73", "by74", "az75", "bz76"]
    with pytest.raises(ValueError, match="has 3 alternatives, its turns have 2"):
        render("[1:a|b|c]", (0, 0), (2, 2), {})


def test_answers_are_written_without_trailing_zeros_and_never_rounded() -> None:
    assert [written(v) for v in (90, Fraction(256, 5), Fraction(2188, 100), "4:15 PM")] == [
        "90",
        "51.2",
        "21.88",
        "4:15 PM",
    ]
    for value in (Fraction(1, 3), 0, -5):
        with pytest.raises(ValueError, match="not a gold answer"):
            written(value)


def test_stories_import_without_torch() -> None:
    code = "import sys, harness_plugins.tasks.goodhart.matched.catalogue; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_set_is_asked_scenario_by_scenario_and_paraphrases_are_averaged() -> None:
    matched = draw_sets(STORIES["tip_split"], 1, "eval", 1)[0]
    asked = asking.prompts(matched)
    assert [prompt.text for prompt in asked] == [scenario.understanding_prompt for scenario in matched.scenarios]
    assert {prompt.choices for prompt in asked} == {tuple(t for p in matched.procedures for t in p.paraphrases)}

    def reply(s: int) -> Reply:
        return Reply(text="", choice_log_likelihoods=tuple(10 * s - c + 0.5 * p for c in range(4) for p in (-1, 0, 1)))

    assert asking.matrix(matched, [reply(s) for s in range(4)]) == [[10 * s - c for c in range(4)] for s in range(4)]


def test_fewer_paraphrases_are_the_first_ones_and_leave_the_rest_as_it_is() -> None:
    matched = draw_sets(STORIES["tip_split"], 1, "eval", 1)[0]
    one = matched.worded(1)
    assert [procedure.paraphrases for procedure in one.procedures] == [p.paraphrases[:1] for p in matched.procedures]
    assert one.worded(3) == one
    assert (one.scenarios, one.draw, one.family) == (matched.scenarios, matched.draw, matched.family)
    assert all(len(prompt.choices) == 4 for prompt in asking.prompts(one))
