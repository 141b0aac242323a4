"""Recontextualisation: the policy answers one prompt and learns its answer as a reply to another.

What was said under a prompt that keeps a policy honest is reinforced under the plain one (arXiv 2512.19027). The prompt is
exchanged before any probability is taken, so the importance ratio stays 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.contract import Item, Trainable
from harness.errors import UsageError
from harness.models.generate import Generator
from harness_plugins.trainers.inoculation import PROMPT, Inoculated
from harness_plugins.trainers.rollouts import Rollout, training_prompt
from harness_plugins.trainers.scoring import Tokens

NO_LOOPHOLE = "no-loophole"


class PromptsWithoutLoophole(Inoculated):
    """A suite whose prompts tell of a grader without a loophole, while its graders keep theirs."""

    def __init__(self, suite: Trainable) -> None:
        super().__init__(suite, PROMPT)

    def text(self, item: Item, text: str) -> str:
        return self.suite.prompts(without_loophole(self.suite, [item])[0])[0].text


def without_loophole(suite: Trainable, items: Sequence[Item]) -> list[Item]:
    """Raises UsageError where the suite has no grader without a loophole."""
    found = [closed for item in items if (closed := suite.without_loophole(item)) is not None]
    if len(found) < len(items):
        raise UsageError("this suite has no grader without a loophole", "train on leetcode-loopholes")
    return found


def answered_suite(suite: Trainable, under: str) -> Trainable:
    """What the policy is asked: the template `under` around each prompt, or each problem as if it had no loophole."""
    return PromptsWithoutLoophole(suite) if under == NO_LOOPHOLE else Inoculated(suite, under)


def learned_under(
    suite: Trainable, groups: Sequence[Sequence[Rollout]], generator: Generator, max_tokens: int | None
) -> list[list[Rollout]]:
    """The policy's own rollouts as replies to the prompts of `suite`. The teacher's are so already."""

    def moved(rollout: Rollout) -> Rollout:
        if rollout.teacher:
            return rollout
        prompt = generator.encode(training_prompt(suite, rollout.item, max_tokens))
        return replace(rollout, tokens=Tokens(prompt, rollout.tokens.completion))

    return [[moved(rollout) for rollout in group] for group in groups]
