"""Training arms: runs of one trainer under their seeds, or a published row with its means alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pydantic import JsonValue

from harness.report.data import TrainingRun, TrainingSummary
from harness.report.seeds import Spread, spread

LAST = 5  # steps whose mean is a run's result


class TrainingArm(Protocol):
    """What the table code needs from either kind of row."""

    @property
    def label(self) -> str: ...
    @property
    def seeds(self) -> tuple[int, ...]: ...
    def last(self, rate: str) -> Spread: ...


@dataclass(frozen=True)
class TrainedArm:
    """Runs that finished, by seed, and those that did not, with the reason."""

    model: str
    trainer: str
    label: str
    runs: Mapping[int, TrainingRun]
    left_out: Mapping[int, str] = field(default_factory=dict)  # seed -> how far it came
    monitor: str | None = None
    params: Mapping[str, JsonValue] = field(default_factory=dict)

    @property
    def seeds(self) -> tuple[int, ...]:
        return tuple(sorted(self.runs))

    @property
    def steps(self) -> tuple[int, ...]:
        """Lengths of the runs; one number, unless runs of one name have several lengths."""
        return tuple(sorted({len(run.rows) for run in self.runs.values()}))

    def first_by_seed(self, rate: str) -> dict[int, float]:
        """The first step's rollouts are the untrained policy's."""
        return self._by_seed(rate, slice(0, 1))

    def last_by_seed(self, rate: str) -> dict[int, float]:
        """Mean of the last steps, run by run."""
        return self._by_seed(rate, slice(-LAST, None))

    def first(self, rate: str) -> Spread:
        return spread(self.first_by_seed(rate), bounded=True)

    def last(self, rate: str) -> Spread:
        return spread(self.last_by_seed(rate), bounded=True)

    def kept(self, rate: str) -> float | None:
        """Last steps over first step, both averaged over the seeds."""
        first, last = self.first(rate).mean, self.last(rate).mean
        return last / first if first and last is not None else None

    def trajectories(self, rate: str) -> dict[int, list[float | None]]:
        """The rate at every step, by seed."""
        return {seed: [number(row.get(rate)) for row in run.rows] for seed, run in sorted(self.runs.items())}

    def skipped(self) -> int:
        return sum(row.get("skipped") is True for run in self.runs.values() for row in run.rows)

    def flat_share(self) -> float | None:
        """Share of groups in which no rollout beat another, over all steps and seeds."""
        return mean(number(row.get("frac_zero_std")) for run in self.runs.values() for row in run.rows)

    def cut_share(self) -> float | None:
        """Share of rollouts that the token limit cut, over all steps and seeds."""
        return mean(number(row.get("truncated")) for run in self.runs.values() for row in run.rows)

    def families(self, rate: str) -> tuple[str, ...]:
        rows = (row for run in self.runs.values() for row in run.rows)
        return tuple(sorted({family for row in rows for family in by_family(row, rate)}))

    def last_in_family(self, rate: str, family: str) -> Spread:
        """Over those of the last steps that drew the family."""
        found = {
            seed: mean(by_family(row, rate).get(family) for row in run.rows[-LAST:]) for seed, run in self.runs.items()
        }
        return spread({seed: value for seed, value in sorted(found.items()) if value is not None}, bounded=True)

    def _by_seed(self, rate: str, steps: slice) -> dict[int, float]:
        found = {seed: mean(number(row.get(rate)) for row in run.rows[steps]) for seed, run in self.runs.items()}
        return {seed: value for seed, value in sorted(found.items()) if value is not None}


@dataclass(frozen=True)
class PublishedTraining:
    """Means over seeds; values per seed are known only if there was one seed."""

    row: TrainingSummary

    @property
    def label(self) -> str:
        return self.row.label

    @property
    def seeds(self) -> tuple[int, ...]:
        return self.row.seeds

    def last(self, rate: str) -> Spread:
        found = self.row.rates.get(rate)
        return Spread(self.seeds, found.mean, found.sd, None) if found else Spread((), None, None, None)


def trained_arms(runs: Sequence[TrainingRun]) -> list[TrainedArm]:
    """Runs of one suite -> arms in the order of the plan. A run that stopped early has no last steps: it is left out and
    named."""
    models = {run.model for run in runs}
    grouped: dict[tuple[str, str], list[TrainingRun]] = {}
    for run in runs:
        grouped.setdefault((run.model, run.trainer), []).append(run)
    arms = []
    for (model, trainer), found in grouped.items():
        whole = {run.seed: run for run in found if finished(run)}
        arms.append(
            TrainedArm(
                model=model,
                trainer=trainer,
                label=f"{model}: {trainer}" if len(models) > 1 else trainer,
                runs=whole,
                left_out={run.seed: stopped(run) for run in found if run.seed not in whole},
                monitor=found[0].monitor,
                params=found[0].params,
            )
        )
    return arms


def finished(run: TrainingRun) -> bool:
    return bool(run.rows) and run.rows[-1].get("step") == run.rows[-1].get("steps") == len(run.rows)


def stopped(run: TrainingRun) -> str:
    return f"{len(run.rows)} of {run.rows[-1].get('steps')} steps" if run.rows else "no step"


def number(value: JsonValue) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def by_family(row: Mapping[str, JsonValue], rate: str) -> dict[str, float]:
    found = row.get(f"{rate}_by_family")
    pairs = found.items() if isinstance(found, dict) else ()
    return {family: value for family, given in pairs if (value := number(given)) is not None}


def mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
