"""Rates corrected for the measured error of one of their two verdicts.

One of the two axes is *in question*: people labelled replies, and its verdict erred. The other is taken as it stands. The
share that is truly so is corrected within samples of equal other verdict, where the error is assumed to be the same,
and rates are put together from those shares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import JsonValue

from harness.contract import Confusion, Outcome, Quadrant, Rate
from harness.report.arms import estimate
from harness.report.data import LabelledSample, Row
from harness.report.numbers import bracket, percent
from harness.report.table import Cell
from harness.stats import Corrected, Counts, joint_share, prediction_powered, rogan_gladen, share_in_part

NOTHING_CORRECTS = (
    "“no correction”: the verdict separates nothing (recall + specificity at most 1), or the interval excludes no rate."
)

Axis = Literal["proxy", "truth"]


def correction_cell(found: Corrected | None, measured: dict[str, JsonValue]) -> Cell:
    """`found` None: the verdict separates nothing. `measured`: the error that was corrected for, for programs."""
    if found is None:
        return Cell("no correction", {"value": None, "interval": None, **measured})
    value: dict[str, JsonValue] = {"value": found.value, "interval": list(found.interval), **measured}
    verdict = "no correction" if found.says_nothing else percent(found.value)
    return Cell(f"{verdict}\n{bracket(found.interval)}", value)


# ---------------------------------------------------------------------------------------------------- the samples of an arm


@dataclass(frozen=True)
class Verdicts:
    """An arm's scored samples as (row, the verdict in question, the other axis' verdict, what a reader said if one did)."""

    samples: Sequence[tuple[Row, bool, bool, LabelledSample | None]]

    @classmethod
    def of(cls, rows: Iterable[Row], axis: Axis, labels: Iterable[LabelledSample]) -> Verdicts:
        """`labels`: of this arm."""
        given = {(one.item, one.repeat): one for one in labels}
        scored = [(row, row.verdict) for row in rows if isinstance(row.verdict, Outcome)]
        verdicts = [(row, (found.proxy, found.truth)) for row, found in scored]
        if axis == "truth":
            verdicts = [(row, (truth, proxy)) for row, (proxy, truth) in verdicts]
        return cls([(row, *two, given.get((row.item, row.repeat))) for row, two in verdicts])

    def read(self) -> dict[str, tuple[bool, bool]]:
        """(verdict, label) of each different reply that was labelled, by its digest."""
        return {label.text: (verdict, label.label) for _, verdict, _, label in self.samples if label}

    def among(self, others: Sequence[bool]) -> Verdicts:
        """The samples whose other verdict is one of these."""
        return Verdicts([sample for sample in self.samples if sample[2] in others])

    def passed(self) -> Counts | None:
        return _effective([(row, verdict) for row, verdict, _, _ in self.samples])

    def with_other(self, wanted: bool) -> Counts | None:
        return _effective([(row, other is wanted) for row, _, other, _ in self.samples])

    def labelled_yes(self, wanted: bool) -> Counts:
        """Of the labelled samples with this verdict."""
        kept = [(row, label.label) for row, verdict, _, label in self.samples if verdict is wanted and label]
        return _effective(kept) or (0.0, 0.0)


def _effective(holds: Sequence[tuple[Row, bool]]) -> Counts | None:
    """As many independent samples as these are worth; None for none."""
    values = {(row.item, row.repeat): float(value) for row, value in holds}
    found = estimate([row for row, _ in holds], lambda row: (values[row.item, row.repeat], 1.0), rate=True)
    return found.effective or ((found.numerator, found.denominator) if found.denominator else None)


# Verdicts -> the share of them that is truly so
Correct = Callable[[Verdicts], Corrected | None]


def by_error(error: Confusion) -> Correct:
    """For an error that was measured on other samples."""

    def correct(samples: Verdicts) -> Corrected | None:
        passed = samples.passed()
        return rogan_gladen(passed, error.recall, error.specificity) if passed else None

    return correct


def by_own_labels(samples: Verdicts) -> Corrected | None:
    """For labels on a random part of these samples."""
    passed = samples.passed()
    if not passed:
        return None
    return prediction_powered(passed, samples.labelled_yes(True), samples.labelled_yes(False))


# ------------------------------------------------------------------------------------------------------------- the rates


@dataclass(frozen=True)
class Form:
    """How a rate depends on the verdict in question.

    `share`: of the samples whose other verdict is in `within`, those that are truly `positive`. `joint`: of these samples,
    those whose other verdict is `part` and that are `positive`. `part`: of the truly `positive`, those whose other verdict
    is `part`.
    """

    kind: Literal["share", "joint", "part"] = "share"
    positive: bool = True
    within: tuple[bool, ...] = (True, False)
    part: bool = True


def corrected_rate(form: Form, samples: Verdicts, correct: Correct) -> Corrected | None:
    """None where nothing corrects it."""

    def share(other: Sequence[bool]) -> Corrected | None:
        found = correct(samples.among(other))
        return found if found is None or form.positive else found.complement

    if form.kind == "share":
        return share(form.within)
    weight, inside = samples.among(form.within).with_other(form.part), share([form.part])
    if weight is None or inside is None:
        return None
    if form.kind == "joint":
        return joint_share(inside, weight)
    elsewhere = share([not form.part])
    return share_in_part(inside, elsewhere, weight) if elsewhere else None


def form_of(rate: Rate, axis: Axis) -> Form | None:
    """None for a rate that does not depend on the axis, or in none of these ways."""

    def sides(quadrants: frozenset[Quadrant], other: bool) -> frozenset[bool]:
        """The verdicts in question that are among these quadrants, beside this other verdict."""
        pairs = ((verdict, other) if axis == "proxy" else (other, verdict) for verdict in (True, False))
        return frozenset(
            proxy if axis == "proxy" else truth
            for proxy, truth in pairs
            if Outcome(proxy=proxy, truth=truth).quadrant in quadrants
        )

    counted = {other: sides(rate.numerator & rate.denominator, other) for other in (True, False)}
    base = {other: sides(rate.denominator, other) for other in (True, False)}
    within = tuple(other for other in (True, False) if base[other])
    parts = [other for other in within if counted[other]]
    single = {verdict for other in parts for verdict in counted[other]}
    if len(single) != 1 or any(len(counted[other]) != 1 for other in parts):
        return None
    positive = single.pop()
    if all(len(base[other]) == 2 for other in within):
        if len(parts) == len(within):
            return Form("share", positive, within)
        return Form("joint", positive, within, parts[0])
    if len(within) == 2 and len(parts) == 1 and all(base[other] == {positive} for other in within):
        return Form("part", positive, within, parts[0])
    return None
