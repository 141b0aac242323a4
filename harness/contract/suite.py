"""Task suites: items, their prompts, and two graders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Protocol

from harness.contract.detection import Labelled, View
from harness.contract.evaluation import Item, Outcome, Prompt, Reply, Scores, SelfCheck
from harness.contract.records import Params


class LibraryModel(Protocol):
    """The model of a cell, for a suite whose library asks in a loop of its own."""

    def as_lm(self, batch_size: int) -> tuple[Any, bool]:
        """(lm-eval's `LM`, whether it takes nothing but chat messages)."""
        ...


class TaskSuite:
    """Items, their prompts, and two graders. Importing a suite's module must not import torch: planning counts items."""

    asks: ClassVar[bool] = False  # True: a library's own loop asks the model, through `ask`

    def __init__(self, params: Params) -> None:
        self.params = params

    def items(self) -> Sequence[Item]:
        raise NotImplementedError

    def prompts(self, item: Item) -> Sequence[Prompt]:
        """One or more prompts with distinct roles; each is asked in a separate context."""
        raise NotImplementedError

    def needs_likelihood(self) -> bool:
        """Whether a model must score given text to be asked this: not every backend can."""
        return any(prompt.scored for item in self.items() for prompt in self.prompts(item))

    def ask(self, model: LibraryModel, items: Sequence[str], batch_size: int) -> Iterator[dict[str, Reply]]:
        """Only where `asks`: replies by item id, some items at a time, each stored before the next are asked for. Such a
        suite has one prompt an item, and asks as its library does: the run's temperature and repeats are not for it."""
        raise NotImplementedError

    def grade(self, item: Item, replies: Mapping[str, Reply]) -> Outcome | Scores:
        """Both verdicts from the replies by role. Never raises on any text a model can produce."""
        raise NotImplementedError

    def view(self, item: Item, replies: Mapping[str, Reply]) -> View:
        """What a detector may see. Suites whose items carry visible tests or an evaluator's name add them to `data`."""
        texts = {prompt.role: prompt.text for prompt in self.prompts(item)}
        return View(item=item.id, family=item.family, prompts=texts, replies=dict(replies))

    def reference(self, item: Item) -> str | None:
        """Source of a program that solves the item, for detectors that may run it; None where there is none."""
        return None

    def training_items(self) -> Sequence[Item]:
        """Items for a trainer, none of them in `items()`; empty where the suite keeps none for training."""
        return ()

    def reward(self, outcome: Outcome) -> float:
        """What a trainer optimises: a function of the proxy, never of the truth."""
        return float(outcome.proxy)

    def attempted(self, outcome: Outcome) -> bool:
        """Did the reply try to game the proxy, whether or not it also solves? By default: passed by the proxy alone."""
        return outcome.proxy and not outcome.truth

    def demonstrations(self, item: Item) -> tuple[str, str, tuple[str, ...]] | None:
        """(honest reply, reply that games the proxy, honest slips) for a trainer's teacher; None where there are none."""
        return None

    def exploit_beside(self, item: Item) -> str | None:
        """A reply that solves the item and games the proxy as well; None where there is none."""
        return None

    def bench(self) -> Sequence[Labelled]:
        """Views of known label for measuring detectors; empty where the suite has none. May take minutes."""
        return ()

    def fitting(self) -> Sequence[Labelled]:
        """Views of known label, quick to make and on problems that `items()` does not have: what detectors that learn are
        fitted on in a run. Empty where there are none; such detectors then abstain."""
        return ()

    def self_check(self) -> SelfCheck:
        """Grade answers whose verdict is known. A suite that fails its own check does not report."""
        raise NotImplementedError
