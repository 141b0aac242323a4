"""One suite's arms and comparisons, computed once; renderers only print them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from harness.contract import Axes
from harness.report.arms import Arm, PublishedArm, SampledArm, label_cells
from harness.report.compare import Comparison, compare
from harness.report.data import CellSummary, PublishedChecks, ReportData, Row, SummaryRow, TrainingSummary
from harness.report.metrics import Metric, axes_metrics, score_metrics
from harness.report.seeds import Config, SeedComparison, SeedGroup, compare_seeds, configurations, group_by_seed
from harness.report.training.analysis import Training, published_training, training_of
from harness.stats import benjamini_hochberg, holm


@dataclass(frozen=True)
class Pair:
    base: Arm
    other: Arm
    factor: str

    @property
    def label(self) -> str:
        return f"{self.other.label} vs {self.base.label}"


@dataclass(frozen=True)
class SeedPair:
    base: SeedGroup
    other: SeedGroup
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
    seed_groups: Sequence[SeedGroup] = ()  # empty where every arm has one seed
    seed_pairs: Sequence[SeedPair] = ()
    training: Training | None = None  # where the suite's arms were trained
    comparisons: dict[tuple[str, str, str, str | None], Comparison] = field(default_factory=dict)
    seed_comparisons: dict[tuple[str, str, str], SeedComparison] = field(default_factory=dict)

    @cached_property
    def pairs_to(self) -> dict[str, list[Pair]]:
        """An arm's id -> its pairs with its bases."""
        found: dict[str, list[Pair]] = {}
        for pair in self.pairs:
            found.setdefault(pair.other.id, []).append(pair)
        return found

    @cached_property
    def factors(self) -> frozenset[str]:
        return frozenset(pair.factor for pair in self.pairs)

    @cached_property
    def families(self) -> tuple[str, ...]:
        """Empty if there is one family only, so that pooling adds nothing."""
        names = tuple(dict.fromkeys(family for arm in self.arms for family in arm.families))
        return names if len(names) > 1 else ()

    def comparison(self, pair: Pair, metric: Metric, family: str | None = None) -> Comparison | None:
        return self.comparisons.get((pair.base.id, pair.other.id, metric.key, family))

    def seed_comparison(self, pair: SeedPair, metric: Metric) -> SeedComparison | None:
        return self.seed_comparisons.get((pair.base.label, pair.other.label, metric.key))


def analyse(data: ReportData) -> list[Block]:
    blocks = [*cell_blocks(data), *published_blocks(data)]
    for block in blocks:
        for pair in block.pairs:
            for metric in block.metrics:
                for family in (None, *block.families):
                    if found := compare(pair.base, pair.other, metric, family):
                        block.comparisons[pair.base.id, pair.other.id, metric.key, family] = found
        for metric in block.metrics:
            for seed_pair in block.seed_pairs:
                if over_seeds := compare_seeds(seed_pair.base, seed_pair.other, metric):
                    block.seed_comparisons[seed_pair.base.label, seed_pair.other.label, metric.key] = over_seeds
    adjust([block for block in blocks if not block.published])
    return blocks


def cell_blocks(data: ReportData) -> Iterable[Block]:
    for suite, axes in data.suites.items():
        cells = [cell for cell in data.cells if cell.suite == suite]
        runs = [run for run in data.training if run.suite == suite]
        if not cells and not runs:
            continue
        labels = label_cells(cells)
        arms = {cell.id: SampledArm(cell, labels[cell.id], data.rows.get(cell.id, ())) for cell in cells}
        pairs = [
            Pair(arms[contrast.base], arms[contrast.other], contrast.factor)
            for contrast in data.contrasts
            if contrast.base in arms and contrast.other in arms
        ]

        def rows(arms: dict[str, SampledArm] = arms) -> Iterable[Row]:
            return (row for arm in arms.values() for row in arm.rows)

        named = axes_metrics(axes) if axes else score_metrics(rows())
        metrics = [one.seen_in(rows()) for one in named if one.is_rate or any(map(one.present, rows()))]
        groups = group_by_seed(arms.values())
        yield Block(
            suite,
            suite if cells else f"Training on {suite}",
            axes,
            list(arms.values()),
            metrics,
            pairs,
            seed_groups=groups,
            seed_pairs=pairs_over_seeds(pairs, groups),
            training=training_of(runs, axes.rates, list(arms.values()), trainer_contrasts(data, suite))
            if axes
            else None,
        )


def trainer_contrasts(data: ReportData, suite: str) -> list[tuple[CellSummary, CellSummary]]:
    """(base, other) of the declared contrasts between arms trained on this suite and their bases, whoever judges them."""
    cells = {cell.id: cell for cell in data.cells}
    declared = [(cells[one.base], cells[one.other]) for one in data.contrasts if one.factor == "trainer"]
    return [(base, other) for base, other in declared if (other.trained_on or other.suite) == suite]


def pairs_over_seeds(pairs: Iterable[Pair], groups: Sequence[SeedGroup]) -> list[SeedPair]:
    """The declared contrasts, pooled over their seeds."""
    holder = configurations(groups)
    found: dict[tuple[Config, Config], SeedPair] = {}
    for pair in pairs:
        if pair.base.id in holder and pair.other.id in holder:
            base, other = holder[pair.base.id], holder[pair.other.id]
            found.setdefault((base.config, other.config), SeedPair(base, other, pair.factor))
    return list(found.values())


def published_blocks(data: ReportData) -> Iterable[Block]:
    for suite, experiment in dict.fromkeys((row.suite, row.experiment) for row in data.summaries):
        axes = data.suites.get(suite)
        if axes is None:
            continue
        rows = [row for row in data.summaries if (row.suite, row.experiment) == (suite, experiment)]
        arms = {row.label: PublishedArm(row) for row in rows}
        pairs = [Pair(arms[row.base], arms[row.label], "published") for row in rows if row.base in arms]
        known = dict.fromkeys(key for row in rows for key in row.measures)
        metrics = [metric for metric in axes_metrics(axes) if metric.is_rate]
        metrics += [Metric(key, axes.measures.get(key, key.replace("_", " ")), "measure") for key in known]
        title, remarks = f"Published: {experiment}", remarks_of(rows)
        yield Block(published_key(experiment), title, axes, list(arms.values()), metrics, pairs, True, remarks)
    for suite, experiment in dict.fromkeys((row.suite, row.experiment) for row in data.training_summaries):
        axes = data.suites.get(suite)
        if axes is None:
            continue
        trained = [row for row in data.training_summaries if (row.suite, row.experiment) == (suite, experiment)]
        made = published_training(trained, axes.rates)
        title, remarks = f"Published: {experiment}", remarks_of(trained)
        yield Block(published_key(experiment), title, axes, [], [], [], True, remarks, training=made)


def published_key(experiment: str) -> str:
    return "published:" + experiment.lower().replace(" ", "-")


def remarks_of(rows: Sequence[SummaryRow | TrainingSummary | PublishedChecks]) -> tuple[str, ...]:
    """Sources and known faults, each once."""
    sources = dict.fromkeys(f"Source: {row.source}" for row in rows if row.source)
    return (*sources, *dict.fromkeys(caveat for row in rows for caveat in row.caveats))


# ------------------------------------------------------------------------------------------------------- multiplicity


Method = Callable[[Sequence[float]], list[float]]
Member = tuple[dict[Any, Any], tuple[str | None, ...]]  # a block's comparisons, and the key of one of them


def adjust(blocks: Sequence[Block]) -> None:
    """Holm over the declared contrasts, metric by metric, across all suites that share the metric; where arms have
    several seeds, the declared contrast is the one over seeds. Everything else is explored: Benjamini-Hochberg.

    A declared contrast without a p-value (a failed cell) still counts in its multiplicity family, as p = 1.
    """
    declared: dict[str, list[Member]] = {}
    for block in blocks:
        for metric in block.metrics:
            pooled: list[Member] = [
                (block.comparisons, (pair.base.id, pair.other.id, metric.key, None)) for pair in block.pairs
            ]
            over_seeds: list[Member] = [
                (block.seed_comparisons, (pair.base.label, pair.other.label, metric.key)) for pair in block.seed_pairs
            ]
            declared.setdefault(metric.key, []).extend(over_seeds or pooled)
            if over_seeds:
                apply(pooled, benjamini_hochberg, "BH")
            for_families: list[Member] = [
                (block.comparisons, (pair.base.id, pair.other.id, metric.key, family))
                for pair in block.pairs
                for family in block.families
            ]
            apply(for_families, benjamini_hochberg, "BH")
    for members in declared.values():
        apply(members, holm, "Holm")


def apply(members: Sequence[Member], method: Method, name: str) -> None:
    found = [comparisons.get(key) for comparisons, key in members]
    p_values = [1.0 if one is None or one.p is None else one.p for one in found]
    for (comparisons, key), one, p in zip(members, found, method(p_values), strict=True):
        if one is not None and one.p is not None:
            comparisons[key] = replace(one, adjusted=p, method=name, family=len(members))
