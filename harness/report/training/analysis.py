"""What a suite's trained arms did during training, and the contrasts that the plan declared between them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.contract import Rate
from harness.registry.component import NONE
from harness.report.arms import SampledArm
from harness.report.data import CellSummary, TrainingRun, TrainingSummary
from harness.report.metrics import Metric
from harness.report.seeds import SeedGroup, seed_groups
from harness.report.training.arms import PublishedTraining, TrainedArm, TrainingArm, number, trained_arms
from harness.report.training.contrasts import (
    TrainingContrast,
    adjusted,
    compare_published,
    compare_to_start,
    compare_training,
)
from harness.report.training.deployments import Deployments, deployments


@dataclass(frozen=True)
class Training:
    """`rates` are those of the suite's rates that training rows carry by name; `held_out` are the same arms asked the
    suite's own items, by label."""

    arms: Sequence[TrainingArm]
    rates: tuple[Rate, ...]
    contrasts: Sequence[TrainingContrast]
    held_out: Mapping[str, SeedGroup]
    untouched: tuple[SeedGroup, ...] = ()
    deployments: Sequence[Deployments] = ()

    @property
    def trained(self) -> list[TrainedArm]:
        return [arm for arm in self.arms if isinstance(arm, TrainedArm)]

    def metric(self, rate: Rate) -> Metric:
        return Metric(rate.name, rate.title, "rate", rate)


def training_of(
    runs: Sequence[TrainingRun],
    rates: Iterable[Rate],
    cells: Sequence[SampledArm],
    declared: Iterable[tuple[CellSummary, CellSummary]],
) -> Training | None:
    """`declared`: (base, other) cells of the plan's contrasts between trainers. None if no row was written."""
    arms = trained_arms(runs)
    carried = tuple(
        rate for rate in rates if any(number(row.get(rate.name)) is not None for r in runs for row in r.rows)
    )
    if not carried:
        return None
    plain = [arm for arm in cells if arm.cell.compressor == NONE]
    groups = seed_groups(plain)
    untouched = tuple(group for group in groups if group.config[1] == NONE)
    return Training(
        arms=arms,
        rates=carried,
        contrasts=contrasts_of(arms, [rate.name for rate in carried], declared),
        held_out={group.label: group for group in groups},
        untouched=untouched,
        deployments=deployments(groups, untouched, carried),
    )


def contrasts_of(
    arms: Sequence[TrainedArm], rates: Sequence[str], declared: Iterable[tuple[CellSummary, CellSummary]]
) -> list[TrainingContrast]:
    """Each declared contrast once, whatever its seeds and compressors; the untouched model's part is an arm's own start."""
    by_name = {(arm.model, arm.trainer): arm for arm in arms}
    names = dict.fromkeys(((base.model, base.trainer), (other.model, other.trainer)) for base, other in declared)
    found = []
    for base, other in names:
        if other not in by_name:
            continue
        if base in by_name:
            found.append(compare_training(by_name[base], by_name[other], rates))
        elif base[1] == NONE:
            found.append(compare_to_start(by_name[other], rates))
    return adjusted(found, rates)


def published_training(rows: Sequence[TrainingSummary], rates: Iterable[Rate]) -> Training:
    arms = {row.label: PublishedTraining(row) for row in rows}
    carried = tuple(rate for rate in rates if any(rate.name in row.rates for row in rows))
    names = [rate.name for rate in carried]
    contrasts = [compare_published(arms[base], arms[row.label], names) for row in rows for base in row.against]
    return Training(list(arms.values()), carried, contrasts, held_out={})
