"""What every reading is: prompts about a problem, and a verdict from the replies to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from pydantic import JsonValue

from harness import Prompt, Reply
from harness_plugins.tasks.goodhart.spec import GoodhartParams

Asked = TypeVar(
    "Asked", contravariant=True
)  # what is asked about: a scenario with its twins, or a family's own problem


@dataclass(frozen=True)
class Verdict:
    """`parsed` is what the reading read; the suite's axes have a title for each of `measures`."""

    holds: bool
    measures: dict[str, float] = field(default_factory=dict)
    parsed: dict[str, JsonValue] = field(default_factory=dict)


class Reading(Protocol[Asked]):
    """A module with these two functions. No other reading's prompts have its roles."""

    def prompts(self, problem: Asked, params: GoodhartParams, /) -> list[Prompt]: ...

    def verdict(self, problem: Asked, replies: Mapping[str, Reply], params: GoodhartParams, /) -> Verdict:
        """Never raises, whatever the replies are; one that is missing reads as empty."""
        ...
