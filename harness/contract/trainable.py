"""The capability of suites that a policy can be trained on, and what trainers read of them: one prompt, one verdict."""

from __future__ import annotations

from collections.abc import Sequence

from harness.contract.evaluation import Item, Outcome, Prompt, Reply
from harness.contract.suite import TaskSuite
from harness.errors import UsageError

REMEDY = "choose another suite; `harness list tasks` shows them"


class Trainable(TaskSuite):
    """A suite that keeps items for training and says what a trainer optimises. Its verdicts are outcomes."""

    def training_items(self) -> Sequence[Item]:
        """One or more items, none of them in `items()`. Raises UsageError where the suite's parameters leave none."""
        raise NotImplementedError

    def reward(self, outcome: Outcome) -> float:
        """What a trainer optimises: a function of the proxy, never of the truth."""
        return float(outcome.proxy)

    def attempted_hack(self, outcome: Outcome) -> bool:
        """Did the reply try to game the proxy, whether or not it also solves? By default: passed by the proxy alone."""
        return outcome.proxy and not outcome.truth

    def demonstrations(self, item: Item) -> tuple[str, str, tuple[str, ...]] | None:
        """(honest reply, reply that games the proxy, honest slips) for a trainer's teacher; None where there are none."""
        return None

    def without_loophole(self, item: Item) -> Item | None:
        """The same question under a grader that has no loophole, and told so; None where the suite has no such grader."""
        return None

    def exploit_with_solution(self, item: Item) -> str | None:
        """A reply that solves the item and games the proxy as well; None where there is none."""
        return None


def leading_prompt(suite: TaskSuite, item: Item) -> Prompt:
    """The one prompt of an item that quotes no reply. Raises UsageError for suites that ask several, or score a given text."""
    prompts = [prompt for prompt in suite.prompts(item) if not prompt.quotes]
    if len(prompts) != 1 or prompts[0].scored:
        raise UsageError("trainers and teachers need a suite with one prompt to answer per item", REMEDY)
    return prompts[0]


def single_prompt(suite: TaskSuite, item: Item) -> Prompt:
    """The one prompt of an item. Raises UsageError for suites that ask several, or score a given text."""
    prompt = leading_prompt(suite, item)
    if len(suite.prompts(item)) != 1:
        raise UsageError("this trainer or teacher needs a suite that asks nothing about a reply", REMEDY)
    return prompt


def outcome_of(suite: TaskSuite, item: Item, role: str, reply: Reply) -> Outcome:
    """The verdict on one reply. Raises UsageError for suites without a truth axis."""
    outcome = suite.grade(item, {role: reply})
    if not isinstance(outcome, Outcome):
        raise UsageError("trainers and teachers need a suite with a proxy and a truth", REMEDY)
    return outcome
