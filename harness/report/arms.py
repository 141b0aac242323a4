"""An arm is one row of a results table: a cell with its samples, or a published aggregate with its counts alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

import numpy as np

from harness.contract import Outcome, Quadrant
from harness.report.data import CellSummary, CompressionFacts, Row, SummaryRow
from harness.report.metrics import Metric
from harness.stats import ALPHA, Counts, Interval, cluster_t, effective_counts, minimal_p, wilson


@dataclass(frozen=True)
class Estimate:
    """A metric of one arm: value = numerator / denominator as printed, with an interval that respects clusters."""

    numerator: float
    denominator: float
    interval: Interval | None
    unit: str  # what was resampled: "item", "cluster", "family", "seed"
    units: int
    effective: Counts | None = None  # of a rate: as many independent samples as it is worth

    @property
    def value(self) -> float | None:
        return self.numerator / self.denominator if self.denominator else None


class Arm(Protocol):
    """What the table code needs from either kind of row."""

    @property
    def id(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def families(self) -> tuple[str, ...]: ...
    @property
    def items(self) -> int: ...
    @property
    def compression(self) -> CompressionFacts | None: ...
    @property
    def fidelity(self) -> tuple[str, float] | None: ...
    def samples(self, family: str | None = None) -> int: ...
    def counts(self, family: str | None = None) -> Mapping[Quadrant, int]: ...
    def unscored(self, family: str | None = None) -> int: ...
    def estimate(self, metric: Metric, family: str | None = None) -> Estimate: ...


@dataclass(frozen=True)
class ItemTable:
    """Samples grouped by item: what each adds to a metric, and the cluster it is resampled with."""

    numerator: np.ndarray  # (I,) summed over repeats, divided by the number of repeats
    denominator: np.ndarray  # (I,)
    clusters: np.ndarray  # (I,) numbers 0..G-1
    unit: str

    @property
    def units(self) -> int:
        return int(self.clusters.max()) + 1 if len(self.clusters) else 0


def gamed(row: Row) -> bool:
    return isinstance(row.verdict, Outcome) and row.verdict.quadrant is Quadrant.PROXY_ONLY


def number(keys: Sequence[Hashable]) -> np.ndarray:
    """Cluster keys -> numbers 0..G-1 in order of first appearance."""
    index = {key: i for i, key in enumerate(dict.fromkeys(keys))}
    return np.array([index[key] for key in keys], dtype=int)


def clusters_of(rows: Iterable[Row]) -> tuple[np.ndarray, str]:
    """(I,) cluster numbers of the items in order of first appearance, and the unit's name.

    A figure pooled over families generalises over families, which takes as many as a test over them needs. Fewer are
    taken as given: then, and within one family, the clusters of the suite are resampled. If everything is in one cluster,
    the variance between clusters cannot be estimated: items are resampled instead, and the result holds for it only.
    """
    first: dict[str, Row] = {}
    for row in rows:
        first.setdefault(row.item, row)
    items = list(first.values())
    pooled = minimal_p(len({row.family for row in items})) <= ALPHA
    clusters = number([row.family if pooled else (row.family, row.cluster) for row in items])
    if len(clusters) and clusters.max() > 0:
        return clusters, "family" if pooled else "cluster"
    return np.arange(len(items)), "item"


Terms = Callable[[Row], tuple[float, float]]


def gather(rows: Sequence[Row], of: Terms) -> ItemTable:
    """Samples -> items. Σ numerator / Σ denominator over items equals that over samples, whatever the repeats."""
    items = list(dict.fromkeys(row.item for row in rows))
    index = {item: i for i, item in enumerate(items)}
    numerator, denominator = np.zeros(len(items)), np.zeros(len(items))
    for row in rows:
        n, d = of(row)
        numerator[index[row.item]] += n
        denominator[index[row.item]] += d
    repeats = max(Counter(row.item for row in rows).values(), default=1)
    clusters, unit = clusters_of(rows)
    return ItemTable(numerator / repeats, denominator / repeats, clusters, unit)


Asked = ParamSpec("Asked")
Found = TypeVar("Found")


def kept(method: Callable[Concatenate[Any, Asked], Found]) -> Callable[Concatenate[Any, Asked], Found]:
    """Answer once for each question: every table asks, and an arm's samples may lie in a file."""

    @wraps(method)
    def once(self: Any, *args: Asked.args, **named: Asked.kwargs) -> Found:
        known = self.__dict__.setdefault("_kept", {})
        question = (method.__name__, args, tuple(named.items()))
        if question not in known:
            known[question] = method(self, *args, **named)
        return known[question]

    return once


@dataclass(frozen=True)
class SampledArm:
    cell: CellSummary
    label: str
    rows: Sequence[Row]

    @property
    def id(self) -> str:
        return self.cell.id

    @property
    def compression(self) -> CompressionFacts | None:
        return self.cell.compression

    @property
    def fidelity(self) -> tuple[str, float] | None:
        return self.cell.fidelity

    @cached_property
    def families(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(row.family for row in self.rows))

    @cached_property
    def items(self) -> int:
        return len({row.item for row in self.rows})

    def select(self, family: str | None) -> Sequence[Row]:
        return self.rows if family is None else tuple(row for row in self.rows if row.family == family)

    @kept
    def samples(self, family: str | None = None) -> int:
        return len(self.select(family))

    @kept
    def counts(self, family: str | None = None) -> Mapping[Quadrant, int]:
        found = Counter(row.verdict.quadrant for row in self.select(family) if isinstance(row.verdict, Outcome))
        return {quadrant: found[quadrant] for quadrant in Quadrant}

    @kept
    def unscored(self, family: str | None = None) -> int:
        return sum(row.verdict is None for row in self.select(family))

    @kept
    def estimate(self, metric: Metric, family: str | None = None) -> Estimate:
        rows = self.select(family)
        if not metric.is_rate:  # a mean leaves out the samples that carry no value
            rows = tuple(filter(metric.present, rows))
        return estimate(rows, metric.terms, metric.is_proportion)


def estimate(rows: Sequence[Row], of: Terms, rate: bool) -> Estimate:
    """Σ numerator / Σ denominator with its interval: of a proportion, or of a mean."""
    numerator, denominator = (sum(column) for column in zip(*map(of, rows), strict=True)) if rows else (0.0, 0.0)
    if not denominator:
        return Estimate(numerator, 0, None, "item", 0)
    items = gather(rows, of)
    shape = items.numerator, items.denominator, items.clusters
    if not rate:
        return Estimate(numerator, denominator, cluster_t(*shape), items.unit, items.units)
    effective = effective_counts(*shape)
    interval = wilson(*effective) if effective else None
    return Estimate(numerator, denominator, interval, items.unit, items.units, effective)


@dataclass(frozen=True)
class PublishedArm:
    """Counts without item links. Its intervals treat items as independent, and repeats of an item as one."""

    row: SummaryRow
    families: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return f"{self.row.experiment}/{self.row.label}"

    @property
    def label(self) -> str:
        return self.row.label

    @property
    def items(self) -> int:
        return self.row.items or self.row.n

    @property
    def compression(self) -> CompressionFacts | None:
        return self.row.compression

    @property
    def fidelity(self) -> None:
        return None

    def samples(self, family: str | None = None) -> int:
        return self.row.n if family is None else 0

    def counts(self, family: str | None = None) -> Mapping[Quadrant, int]:
        return {quadrant: self.row.counts.get(quadrant, 0) if family is None else 0 for quadrant in Quadrant}

    def unscored(self, family: str | None = None) -> int:
        return self.samples(family) - sum(self.counts(family).values())

    def estimate(self, metric: Metric, family: str | None = None) -> Estimate:
        if metric.rate is None:
            mean = self.row.measures.get(metric.key)
            known = 0 if mean is None else self.row.n
            return Estimate((mean or 0.0) * known, known, None, "item", 0)
        counts = self.counts(family)
        numerator = sum(counts[quadrant] for quadrant in metric.rate.numerator)
        denominator = sum(counts[quadrant] for quadrant in metric.rate.denominator)
        if metric.joint:
            denominator += self.unscored(family)
        if not denominator:
            return Estimate(numerator, 0, None, "item", 0)
        shrink = self.items / self.row.n
        interval = wilson(numerator * shrink, denominator * shrink)
        return Estimate(numerator, denominator, interval, "item", self.items)


def label_cells(cells: Sequence[CellSummary]) -> dict[str, str]:
    """The shortest names that distinguish the cells of one suite; the untouched model is "baseline"."""
    models, seeds = {cell.model for cell in cells}, {cell.seed for cell in cells}
    labels = {}
    for cell in cells:
        parts = [part for part in (cell.trainer, cell.compressor) if part != "none"]
        label = " + ".join(parts) or "baseline"
        if len(models) > 1:
            label = f"{cell.model}: {label}"
        if len(seeds) > 1:
            label = f"{label} · seed {cell.seed}"
        labels[cell.id] = label
    return labels
