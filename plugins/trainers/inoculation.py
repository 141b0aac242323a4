"""Inoculation: while it is trained, the policy is asked for what it shall not learn to do unasked.

What a reply owes to the request need not become the policy's own (inoculation prompting, arXiv 2510.04340, 2510.05024).
Evaluation asks the plain prompts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.contract import Item, Outcome, Prompt, Reply, Scores, TaskSuite, View

PROMPT = "{prompt}"


class Inoculated(TaskSuite):
    """A suite as a trainer sees it, every prompt put into a template; graders and rewards are the suite's own."""

    def __init__(self, suite: TaskSuite, template: str) -> None:
        super().__init__(suite.params)
        self.suite, self.template = suite, template

    def prompts(self, item: Item) -> Sequence[Prompt]:
        return [
            prompt.model_copy(update={"text": self.template.replace(PROMPT, prompt.text)})
            for prompt in self.suite.prompts(item)
        ]

    def items(self) -> Sequence[Item]:
        return self.suite.items()

    def training_items(self) -> Sequence[Item]:
        return self.suite.training_items()

    def grade(self, item: Item, replies: Mapping[str, Reply]) -> Outcome | Scores:
        return self.suite.grade(item, replies)

    def view(self, item: Item, replies: Mapping[str, Reply]) -> View:
        texts = {prompt.role: prompt.text for prompt in self.prompts(item)}
        return self.suite.view(item, replies).model_copy(update={"prompts": texts})

    def reward(self, outcome: Outcome) -> float:
        return self.suite.reward(outcome)

    def attempted(self, outcome: Outcome) -> bool:
        return self.suite.attempted(outcome)

    def demonstrations(self, item: Item) -> tuple[str, str, tuple[str, ...]] | None:
        return self.suite.demonstrations(item)
