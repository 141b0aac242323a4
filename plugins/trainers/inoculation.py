"""Inoculation: during training, the prompt asks for what the policy should not learn to do unasked.

Behaviour that the prompt explains need not become the policy's own (inoculation prompting, arXiv 2510.04340,
2510.05024). Evaluation asks the plain prompts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from harness.contract import Inspectable, Item, Outcome, Prompt, Reply, Scores, Trainable

PROMPT = "{prompt}"


class Inoculated(Trainable, Inspectable):
    """A suite as a trainer sees it, with every prompt put into a template; graders and rewards are the suite's own."""

    def __init__(self, suite: Trainable, template: str) -> None:
        super().__init__(suite.params)
        self.suite, self.template = suite, template

    def prompts(self, item: Item) -> Sequence[Prompt]:
        asked = self.suite.prompts(item)
        return [prompt.model_copy(update={"text": self.text(item, prompt.text)}) for prompt in asked]

    def text(self, item: Item, text: str) -> str:
        return self.template.replace(PROMPT, text)

    def items(self) -> Sequence[Item]:
        return self.suite.items()

    def training_items(self) -> Sequence[Item]:
        return self.suite.training_items()

    def grade(self, item: Item, replies: Mapping[str, Reply]) -> Outcome | Scores:
        return self.suite.grade(item, replies)

    def reward(self, outcome: Outcome) -> float:
        return self.suite.reward(outcome)

    def attempted_hack(self, outcome: Outcome) -> bool:
        return self.suite.attempted_hack(outcome)

    def demonstrations(self, item: Item) -> tuple[str, str, tuple[str, ...]] | None:
        return self.suite.demonstrations(item)

    def without_loophole(self, item: Item) -> Item | None:
        return self.suite.without_loophole(item)

    def exploit_with_solution(self, item: Item) -> str | None:
        return self.suite.exploit_with_solution(item)

    def view_data(self, item: Item, replies: Mapping[str, Reply]) -> dict[str, JsonValue]:
        return self.suite.view_data(item, replies) if isinstance(self.suite, Inspectable) else {}

    def reference(self, item: Item) -> str | None:
        return self.suite.reference(item) if isinstance(self.suite, Inspectable) else None
