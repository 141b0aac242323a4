"""Suites that a policy can be trained and taught on: one prompt to answer per item, and two verdicts on the answer."""

from __future__ import annotations

from harness.contract import Item, Outcome, Prompt, Reply, TaskSuite
from harness.errors import UsageError

REMEDY = "choose another suite; `harness list tasks` shows them"


def single_prompt(suite: TaskSuite, item: Item) -> Prompt:
    """The one prompt of an item. Raises UsageError for suites that ask several, or score a given text."""
    prompts = suite.prompts(item)
    if len(prompts) != 1 or prompts[0].scored:
        raise UsageError("trainers and teachers need a suite with one prompt to answer per item", REMEDY)
    return prompts[0]


def outcome_of(suite: TaskSuite, item: Item, role: str, reply: Reply) -> Outcome:
    """The verdict on one reply. Raises UsageError for suites without a truth axis."""
    outcome = suite.grade(item, {role: reply})
    if not isinstance(outcome, Outcome):
        raise UsageError("trainers and teachers need a suite with a proxy and a truth", REMEDY)
    return outcome
