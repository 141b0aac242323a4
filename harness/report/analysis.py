"""One suite's arms and comparisons, computed once and then only printed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from harness.contract import Axes
from harness.report.arms import Arm, PublishedArm, SampledArm, label_cells
from harness.report.compare import Comparison, adjusted, compare
from harness.report.data import ReportData
from harness.report.metrics import Metric, axes_metrics, score_metrics
from harness.stats import benjamini_hochberg, holm

Key = tuple[str, str, str, str | None]  # base arm, other arm, metric, family (None: pooled)


@dataclass(frozen=True)
class Pair:
    base: Arm
    other: Arm
    factor: str

    @property
    def label(self) -> str:
        return f"{self.other.label} vs {self.base.label}"


@dataclass
class Block:
    """Arms that stand in one table: the cells of a suite, or the rows of one published experiment."""

    key: str
    title: str
    axes: Axes | None
    arms: Sequence[Arm]
    metrics: Sequence[Metric]
    pairs: Sequence[Pair]
    published: bool = False
    remarks: tuple[str, ...] = ()  # sources and known faults of a published experiment
    comparisons: dict[Key, Comparison] = field(default_factory=dict)

    @property
    def families(self) -> tuple[str, ...]:
        """Empty where pooling and the one family are the same."""
        names = tuple(dict.fromkeys(family for arm in self.arms for family in arm.families))
        return names if len(names) > 1 else ()

    def comparison(self, pair: Pair, metric: Metric, family: str | None = None) -> Comparison | None:
        return self.comparisons.get((pair.base.id, pair.other.id, metric.key, family))


def analyse(data: ReportData) -> list[Block]:
    blocks = [*cell_blocks(data), *published_blocks(data)]
    for block in blocks:
        for pair in block.pairs:
            for metric in block.metrics:
                for family in (None, *block.families):
                    comparison = compare(pair.base, pair.other, metric, family)
                    if comparison:
                        block.comparisons[pair.base.id, pair.other.id, metric.key, family] = comparison
    adjust(blocks)
    return blocks


def cell_blocks(data: ReportData) -> Iterable[Block]:
    for suite, axes in data.suites.items():
        cells = [cell for cell in data.cells if cell.suite == suite]
        if not cells:
            continue
        labels = label_cells(cells)
        arms = {cell.id: SampledArm(cell, labels[cell.id], data.rows.get(cell.id, ())) for cell in cells}
        pairs = [
            Pair(arms[contrast.base], arms[contrast.other], contrast.factor)
            for contrast in data.contrasts
            if contrast.base in arms and contrast.other in arms
        ]
        rows = (row for arm in arms.values() for row in arm.rows)
        metrics = axes_metrics(axes) if axes else score_metrics(rows)
        yield Block(suite, suite, axes, list(arms.values()), metrics, pairs)


def published_blocks(data: ReportData) -> Iterable[Block]:
    for suite, group in dict.fromkeys((row.suite, row.group) for row in data.summaries):
        axes = data.suites.get(suite)
        if axes is None:
            continue
        rows = [row for row in data.summaries if (row.suite, row.group) == (suite, group)]
        arms = {row.label: PublishedArm(row) for row in rows}
        pairs = [Pair(arms[row.base], arms[row.label], "published") for row in rows if row.base in arms]
        known = dict.fromkeys(key for row in rows for key in row.measures)
        metrics = [metric for metric in axes_metrics(axes) if metric.is_rate]
        metrics += [Metric(key, axes.measures.get(key, key.replace("_", " ")), "measure") for key in known]
        sources = dict.fromkeys(f"Source: {row.source}" for row in rows if row.source)
        remarks = (*sources, *dict.fromkeys(caveat for row in rows for caveat in row.caveats))
        key = "published:" + group.lower().replace(" ", "-")
        yield Block(key, f"Published: {group}", axes, list(arms.values()), metrics, pairs, True, remarks)


def adjust(blocks: Sequence[Block]) -> None:
    """Holm over the declared contrasts, metric by metric; Benjamini-Hochberg over the exploratory families of a block.

    A declared contrast without a p-value (a failed cell) still counts in its family, as p = 1.
    """
    sampled = [block for block in blocks if not block.published]
    declared: dict[str, list[tuple[Block, Key]]] = {}
    for block in sampled:
        for metric in block.metrics:
            for pair in block.pairs:
                declared.setdefault(metric.key, []).append((block, (pair.base.id, pair.other.id, metric.key, None)))
    for members in declared.values():
        apply(members, holm, "Holm")
    for block in sampled:
        for metric in block.metrics:
            keys = [
                (pair.base.id, pair.other.id, metric.key, family) for pair in block.pairs for family in block.families
            ]
            apply([(block, key) for key in keys if key in block.comparisons], benjamini_hochberg, "BH")


def apply(members: Sequence[tuple[Block, Key]], method: Callable[[Sequence[float]], list[float]], name: str) -> None:
    found = [block.comparisons.get(key) for block, key in members]
    p_values = [1.0 if c is None or c.p is None else c.p for c in found]
    for (block, key), comparison, p in zip(members, found, method(p_values), strict=True):
        if comparison is not None and comparison.p is not None:
            block.comparisons[key] = adjusted(comparison, p, f"{name} over {len(members)}")
