"""How often a grader or a detector is wrong, measured against people's labels, and what people are asked for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import JsonValue

from harness.contract.records import Record


class Confusion(Record):
    """Verdicts against labels, as counts of samples: a true positive passed (was flagged) and is labelled so."""

    tp: int = 0
    fp: int = 0
    tn: int = 0
    fn: int = 0

    @classmethod
    def of(cls, pairs: Iterable[tuple[bool, bool]]) -> Confusion:
        """From (verdict, label) of each sample."""
        found = list(pairs)
        return cls(
            tp=found.count((True, True)),
            fp=found.count((True, False)),
            tn=found.count((False, False)),
            fn=found.count((False, True)),
        )

    def __add__(self, other: Confusion) -> Confusion:
        return Confusion(tp=self.tp + other.tp, fp=self.fp + other.fp, tn=self.tn + other.tn, fn=self.fn + other.fn)

    @property
    def n(self) -> int:
        return self.tp + self.fp + self.tn + self.fn

    @property
    def precision(self) -> tuple[int, int]:
        """(k, n): of those that passed, the rightly passed."""
        return self.tp, self.tp + self.fp

    @property
    def recall(self) -> tuple[int, int]:
        """(k, n): of those labelled yes, the passed. Also called sensitivity."""
        return self.tp, self.tp + self.fn

    @property
    def specificity(self) -> tuple[int, int]:
        """(k, n): of those labelled no, the failed."""
        return self.tn, self.tn + self.fp

    @property
    def missed(self) -> tuple[int, int]:
        """(k, n): of those that failed, the ones labelled yes."""
        return self.fn, self.fn + self.tn


class GraderError(Record):
    """The measured error of a verdict, shipped with its suite. docs/how-to/grader-error.md has the protocol and the file."""

    by_model: dict[str, Confusion]  # by the model whose replies were labelled
    apart: tuple[str, ...] = ()  # of these, models that were taught the suite's own words: no evidence about others
    under: dict[str, tuple[JsonValue, ...]] = {}  # suite parameter -> the values under which it holds
    readers: int = 2  # independent people or models who labelled every reply
    kappa: float | None = None  # agreement of the first two readers beyond chance
    kappa_interval: tuple[float, float] | None = None
    source: str = ""  # where the labelled replies lie, or who published them

    @property
    def pooled(self) -> Confusion:
        """What is to be expected of a model that was not labelled."""
        return sum((error for name, error in self.by_model.items() if name not in self.apart), Confusion())

    @property
    def pooled_over(self) -> str:
        return f"all models but {', '.join(self.apart)}" if self.apart else "all models"

    def holds_under(self, params: Mapping[str, JsonValue]) -> bool:
        return all(params.get(name) in values for name, values in self.under.items())


class Labelling(Record):
    """What people are asked about one reply, so that the error of a reading can be measured (`harness label`)."""

    role: str  # the prompt whose reply is read
    question: str  # answered by yes where the reading's verdict should be true
    error: GraderError | None = None  # as measured on the replies that ship with the suite

    def holding_under(self, params: Mapping[str, JsonValue]) -> Labelling:
        """Without an error that was measured under other parameters."""
        return self if self.error is None or self.error.holds_under(params) else self.model_copy(update={"error": None})
