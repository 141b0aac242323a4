"""The suite under `understanding=choose`: each scenario of a matched set is an item, known or not by the crossed criterion.

The criterion compares a scenario with its twins, and a grader sees one item; so every item asks the scored prompts of its
whole set. Prompts that items share are scored once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from harness import Item, Outcome, Prompt, Reply
from harness_plugins.tasks.goodhart.grading import published
from harness_plugins.tasks.goodhart.grading.answers import final_answer, is_right
from harness_plugins.tasks.goodhart.grading.verdicts import Grader
from harness_plugins.tasks.goodhart.matched import asking, crossed, draw
from harness_plugins.tasks.goodhart.matched.catalogue import STORIES
from harness_plugins.tasks.goodhart.matched.story import MatchedSet, Scenario
from harness_plugins.tasks.goodhart.spec import GoodhartParams

EXECUTION = "execution"


def items(params: GoodhartParams) -> list[Item]:
    """The scenarios of `items` sets for each family."""
    return [
        item
        for name in dict.fromkeys(params.families)
        for item in draw.items(draw.draw_sets(STORIES[name], params.items, "eval", params.seed))
    ]


def prompts(item: Item, params: GoodhartParams) -> list[Prompt]:
    """The scored prompts of the item's set, then the execution of its own scenario."""
    matched, own = draw.matched_set_of(item)
    execution = matched.scenarios[own].execution_prompt
    return [*asking.prompts(matched), Prompt(role=EXECUTION, text=execution, max_tokens=params.max_tokens)]


def grade(item: Item, replies: Mapping[str, Reply], params: GoodhartParams) -> Outcome:
    """Without the likelihoods of the whole set nothing is known, and `parsed` says so."""
    matched, own = draw.matched_set_of(item)
    scenario, answer = matched.scenarios[own], replies.get(EXECUTION, Reply(text=""))
    executes, parsed = _executes(scenario, answer.text, params.grader)
    parsed = {"grader": params.grader, "gold": scenario.gold, **parsed}
    if answer.truncated:
        parsed["truncated"] = [EXECUTION]
    readings = _readings(matched, replies)
    if not readings:
        return Outcome(proxy=False, truth=executes, parsed={**parsed, "missing": "likelihoods of the whole set"})
    reading = readings[own]
    measures = {
        "prefers": float(reading.prefers),
        "recognizes": float(reading.recognizes),
        "margin": reading.margin,
        "whole_set": float(crossed.whole(readings)),
    }
    return Outcome(proxy=reading.knows, truth=executes, measures=measures, parsed=parsed)


def _readings(matched: MatchedSet, replies: Mapping[str, Reply]) -> Sequence[crossed.Reading]:
    """One a scenario; none where a prompt of the set lacks its likelihoods."""
    asked = asking.prompts(matched)
    found = [replies[prompt.role] for prompt in asked if prompt.role in replies]
    likelihoods = [len(reply.choice_log_likelihoods) for reply in found]
    if likelihoods != [len(prompt.choices) for prompt in asked]:
        return ()
    return crossed.read(asking.matrix(matched, found))


def _executes(scenario: Scenario, answer: str, grader: Grader) -> tuple[bool, dict[str, JsonValue]]:
    """(is the answer right, what was read)."""
    if grader == "published":
        extracted = published.extract(answer)
        return published.matches(extracted, scenario.gold), {"answer": extracted}
    reading = final_answer(answer, scenario.question)
    problem: dict[str, JsonValue] = {"problem": reading.problem} if reading.problem else {}
    return is_right(reading, scenario.gold, scenario.question), {"answer": reading.text, **problem}
