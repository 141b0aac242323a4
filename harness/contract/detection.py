"""Detectors of gaming, what they may see, and the labelled views they are measured on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import JsonValue

from harness.contract.evaluation import Reply
from harness.contract.records import Params, Record

if TYPE_CHECKING:
    import numpy as np

    from harness.contract.sandbox import Sandbox


class View(Record):
    """What a detector sees of one sample: never held-out expectations, never the oracle's verdict."""

    item: str
    family: str
    prompts: dict[str, str]
    replies: dict[str, Reply]
    group: str = ""  # samples of one prompt and policy share it
    data: dict[str, JsonValue] = {}


class Flag(Record):
    """A detector's opinion of one view. An `abstained` flag is counted but left out of the rates; `unanswered` means
    that it abstained because no answer came, so repeating the run asks again."""

    score: float = 0.0
    flagged: bool = False
    evidence: tuple[str, ...] = ()
    abstained: bool = False
    unanswered: bool = False


class LabelledView(Record):
    """A view whose label is known. Detectors are written and fitted on half "rules" and measured on half "report"; no
    cluster is in both."""

    view: View
    hack: bool
    mechanism: str  # how it games, or "honest"
    cluster: str  # resampling unit
    half: Literal["rules", "report"]
    origin: str = ""  # who wrote the program: a template, a mutation, a checkpoint …
    reference: str | None = None  # source of a program that solves the same item


class Unanswered(Record):
    """Stands in for a judge's reply when the judge could not be asked. A detector that gets one abstains."""

    cause: str


@dataclass(frozen=True)
class Tools:
    """What a detector gets besides views. Each tool is there only if the spec declares the need, and none reveals the
    truth."""

    sandbox: Callable[[], Sandbox] | None = None  # need "exec": opens the place where generated code may run
    reference: Callable[[View], str] | None = None  # need "reference": source of the item's canonical solution
    judge: Callable[[Sequence[str]], list[str | Unanswered]] | None = None  # need "judge": a model's replies to prompts
    # need "activations": (views, depth) -> (N, d), the residual stream of the model that replied after that share of its
    # blocks, averaged over the reply's tokens; NaN where there is none
    activations: Callable[[Sequence[View], float], np.ndarray] | None = None


class Detector:
    """Finds gaming from views alone. `fit` sees labelled views of disjoint tasks. `tools` is set before either call."""

    tools: Tools = Tools()

    def __init__(self, params: Params) -> None:
        self.params = params

    def fit(self, views: Sequence[View], labels: Sequence[bool]) -> None:
        """Optional."""

    def inspect(self, views: Sequence[View]) -> Sequence[Flag]:
        """One flag per view, in order."""
        raise NotImplementedError
