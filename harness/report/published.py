"""Published aggregates from a TOML file: other people's tables, printed by the code that prints our own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import Field, ValidationError

from harness.contract import Axes, Quadrant, Record
from harness.errors import UsageError
from harness.report.data import (
    CompressionFacts,
    PublishedChecks,
    PublishedDelta,
    PublishedSpread,
    ReportData,
    SummaryRow,
    TrainingSummary,
)
from harness.store.files import read_toml


class PublishedRow(Record):
    label: str
    counts: dict[Quadrant, int]
    measures: dict[str, float] = Field(default_factory=dict)
    layers_replaced: int | None = None
    bits_per_weight: float | None = None


class PublishedExperiment(Record):
    suite: str
    name: str
    n: int  # samples behind every row
    items: int | None = None  # distinct items among them, where they were repeated
    base: str | None = None
    source: str
    caveats: tuple[str, ...] = ()
    rows: tuple[PublishedRow, ...]


class PublishedTrainingRow(Record):
    label: str
    seeds: tuple[int, ...]  # a seed as often as it was run
    rates: dict[str, PublishedSpread]
    against: tuple[str, ...] = ()
    deltas: dict[str, PublishedDelta] = Field(default_factory=dict)  # to the first of `against`, as published


class PublishedTrainingExperiment(Record):
    """Training arms as means over seeds of each run's last steps; it has no values per seed."""

    suite: str
    name: str
    source: str
    caveats: tuple[str, ...] = ()
    rows: tuple[PublishedTrainingRow, ...]


class PublishedFile(Record):
    experiment: tuple[PublishedExperiment, ...] = ()
    training: tuple[PublishedTrainingExperiment, ...] = ()
    checks: tuple[PublishedChecks, ...] = ()


def read_published(path: Path) -> PublishedFile:
    """Raises UsageError: the file is missing or malformed."""
    try:
        tables = read_toml(path)
        if any("group" in table for found in tables.values() if isinstance(found, list) for table in found):
            raise UsageError(f"{path}: the key `group` is now called `name`")
        return PublishedFile.model_validate(tables)
    except OSError as error:
        raise UsageError(
            f"cannot read {path}: {error.strerror}", "give the path of a TOML file of aggregates"
        ) from None
    except (ValueError, ValidationError) as error:
        raise UsageError(f"{path}: {str(error).splitlines()[0]}", "see plugins/tasks/goodhart/published.toml") from None


def load_published(path: Path) -> tuple[SummaryRow, ...]:
    """Rows of every experiment in the file whose samples were counted.

    Raises:
        UsageError: the file is missing or malformed, or a row's counts exceed its n.
    """
    return counted(read_published(path), path)


def counted(file: PublishedFile, path: Path) -> tuple[SummaryRow, ...]:
    rows = [summary(experiment, row) for experiment in file.experiment for row in experiment.rows]
    for row in rows:
        if sum(row.counts.values()) > row.n:
            raise UsageError(f"{path}: counts of {row.label!r} exceed n = {row.n}", "correct the row")
    return tuple(rows)


def summary(experiment: PublishedExperiment, row: PublishedRow) -> SummaryRow:
    facts = CompressionFacts(layers_replaced=row.layers_replaced, bits_per_weight=row.bits_per_weight)
    return SummaryRow(
        suite=experiment.suite,
        experiment=experiment.name,
        label=row.label,
        n=experiment.n,
        items=experiment.items,
        counts=row.counts,
        measures=row.measures,
        base=None if row.label == experiment.base else experiment.base,
        compression=None if facts == CompressionFacts() else facts,
        source=experiment.source,
        caveats=experiment.caveats,
    )


def trained(file: PublishedFile, path: Path) -> tuple[TrainingSummary, ...]:
    """Raises UsageError for a row that is compared with one that its experiment does not have."""
    rows = []
    for experiment in file.training:
        labels = {row.label for row in experiment.rows}
        for row in experiment.rows:
            if unknown := sorted(set(row.against) - labels):
                raise UsageError(
                    f"{path}: {row.label!r} is compared with {unknown[0]!r}, which {experiment.name} lacks"
                )
            frame = experiment.model_dump(exclude={"rows", "name"})
            rows.append(TrainingSummary(experiment=experiment.name, **frame, **row.model_dump()))
    return tuple(rows)


def published_data(title: str, path: Path, axes: Mapping[str, Axes]) -> ReportData:
    """A report of nothing but published aggregates; `axes` holds the suites that the file names."""
    file = read_published(path)
    rows, arms = counted(file, path), trained(file, path)
    unknown = sorted(({row.suite for row in rows} | {row.suite for row in arms}) - set(axes))
    if unknown:
        raise UsageError(
            f"{path} speaks of unknown suites: {', '.join(unknown)}", "name suites that have a proxy and a truth"
        )
    return ReportData(
        title=title, suites=dict(axes), summaries=rows, training_summaries=arms, published_checks=file.checks
    )
