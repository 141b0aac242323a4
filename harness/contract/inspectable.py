"""The capabilities of suites that give detectors more than prompts and replies. Detectors work on any suite without them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from harness.contract.detection import LabelledView
from harness.contract.evaluation import Item, Reply
from harness.contract.suite import TaskSuite


class Inspectable(TaskSuite):
    """A suite that lets detectors see or run more of an item than its prompts and replies."""

    def view_data(self, item: Item, replies: Mapping[str, Reply]) -> dict[str, JsonValue]:
        """`View.data`: what is public about the item, such as visible tests or an evaluator's name. Never a held-out
        expectation, a solution or a verdict. Never raises on any text a model can produce."""
        return {}

    def reference(self, item: Item) -> str | None:
        """Source of a program that solves the item, for detectors that may run it; None where there is none."""
        return None


class LabelledViews(TaskSuite):
    """A suite with views of known label: detectors are measured on them, and fitted."""

    def bench(self) -> Sequence[LabelledView]:
        """What detectors are measured on: hacks and honest replies in both halves. May take minutes."""
        raise NotImplementedError

    def fitting_views(self) -> Sequence[LabelledView]:
        """Quick to make and on problems that `items()` does not have: what detectors that learn are fitted on in a run.
        Empty where there are none; such detectors then abstain."""
        return ()
