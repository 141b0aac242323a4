"""Rates, measures and scores as one thing: what a sample adds to a numerator and to a denominator."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from harness.contract import Axes, Outcome, Quadrant, Rate, Scores
from harness.report.data import Row


@dataclass(frozen=True)
class Metric:
    """A column of results. Its value over some samples is Σ numerator / Σ denominator."""

    key: str
    title: str
    kind: Literal["rate", "measure", "score"]
    rate: Rate | None = None
    binary: bool = False  # a measure or score that is 0 or 1 in every sample: its mean is a proportion

    @property
    def short(self) -> str:
        """The word for it in narrow tables and gates."""
        return self.rate.short or self.rate.name if self.rate else self.title

    @property
    def is_rate(self) -> bool:
        return self.rate is not None

    @property
    def is_proportion(self) -> bool:
        """Whether its intervals lie inside [0, 1]."""
        return self.is_rate or self.binary

    @property
    def joint(self) -> bool:
        """Whether every sample counts in the denominator, errored ones included."""
        return self.rate is not None and self.rate.denominator == frozenset(Quadrant)

    def present(self, row: Row) -> bool:
        return self.terms(row)[1] > 0

    def seen_in(self, rows: Iterable[Row]) -> Metric:
        """The same metric, `binary` if all of these samples say so."""
        values = {value for value, known in map(self.terms, rows) if known}
        return replace(self, binary=bool(values) and values <= {0.0, 1.0})

    def terms(self, row: Row) -> tuple[float, float]:
        """(numerator, denominator) of one sample. An errored sample stays in the denominator of a joint rate and cannot
        enter a conditional one, whose denominator is itself a verdict."""
        if self.rate is not None:
            if not isinstance(row.verdict, Outcome):
                return 0.0, float(self.joint)
            quadrant = row.verdict.quadrant
            return float(quadrant in self.rate.numerator), float(quadrant in self.rate.denominator)
        values: Mapping[str, float] = {}
        if self.kind == "measure" and isinstance(row.verdict, Outcome):
            values = row.verdict.measures
        elif self.kind == "score" and isinstance(row.verdict, Scores):
            values = row.verdict.values
        return (values[self.key], 1.0) if self.key in values else (0.0, 0.0)


def axes_metrics(axes: Axes) -> tuple[Metric, ...]:
    rates = (Metric(rate.name, rate.title, "rate", rate) for rate in axes.rates)
    measures = (Metric(key, title, "measure") for key, title in axes.measures.items())
    return (*rates, *measures)


def score_metrics(rows: Iterable[Row]) -> tuple[Metric, ...]:
    """Every score that any sample carries, in order of first appearance."""
    keys = dict.fromkeys(key for row in rows if isinstance(row.verdict, Scores) for key in row.verdict.values)
    return tuple(Metric(key, key.replace("_", " "), "score") for key in keys)
