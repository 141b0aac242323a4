"""Task suites: items, their prompts, and two graders. What only some suites can do is a capability that they inherit:
`Trainable`, `Inspectable`, `LabelledViews`, `OwnLoop`, `DeepChecked`, `AgainstSource`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.contract.evaluation import Item, Outcome, Prompt, Reply, Scores, SelfCheck
from harness.contract.records import Params


class TaskSuite:
    """Items, their prompts, and two graders. Importing a suite's module must not import torch: planning counts items."""

    def __init__(self, params: Params) -> None:
        self.params = params

    def items(self) -> Sequence[Item]:
        raise NotImplementedError

    def prompts(self, item: Item) -> Sequence[Prompt]:
        """One or more prompts with distinct roles; each is asked in a separate context."""
        raise NotImplementedError

    def quoted(self, item: Item, role: str, reply: str) -> str:
        """What of a reply stands in the prompts that quote it (`Prompt.quotes`); all of it, unless a suite says otherwise.
        Never raises on any text a model can produce."""
        return reply

    def grade(self, item: Item, replies: Mapping[str, Reply]) -> Outcome | Scores:
        """Both verdicts from the replies by role. Never raises on any text a model can produce."""
        raise NotImplementedError

    def self_check(self) -> SelfCheck:
        """Grade answers whose verdict is known. A suite that fails its own check does not report."""
        raise NotImplementedError


class DeepChecked(TaskSuite):
    """The capability of suites with a longer proof of their graders, which no run waits for."""

    def deep_check(self) -> SelfCheck:
        """Grade many answers whose verdict is known, for `harness doctor --deep`. May take minutes."""
        raise NotImplementedError
