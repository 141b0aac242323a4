"""How often a suite's verdict errs, as readers' labels have it, and its rates corrected for that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from pydantic import JsonValue

from harness.contract import Axes, Confusion, GraderError, Labelling, Reading
from harness.report.analysis import Block
from harness.report.arms import SampledArm
from harness.report.corrections import (
    NOTHING_CORRECTS,
    Axis,
    Correct,
    Form,
    Verdicts,
    by_error,
    by_own_labels,
    corrected_rate,
    correction_cell,
    form_of,
)
from harness.report.data import LabelledSample
from harness.report.estimate_cells import estimate_json, estimate_text
from harness.report.metrics import Metric
from harness.report.numbers import NONE, bracket, fraction, percent
from harness.report.readings import read_by, sampled
from harness.report.samples_of import counted, passed_by, read_as
from harness.report.table import Cell, Column, Samples, Table, text_cell
from harness.stats import Interval, wilson

MIN_LABELS = 10  # of a run's own replies, from which an error is taken; the interval tells how little so few say
THIS_RUN = "this run"

Read = dict[str, tuple[bool, bool]]  # the digest of a reply -> verdict and label
Labels = defaultdict[str, list[LabelledSample]]  # by cell


@dataclass(frozen=True)
class Source:
    """An error and where it was measured; `correct` is how it corrects an arm's shares."""

    where: str
    error: Confusion
    correct: Correct


@dataclass(frozen=True)
class Measured:
    """An error, and the labelled replies behind it where they are the run's own."""

    where: str
    error: Confusion
    behind: Samples | None = None


def error_tables(block: Block, axes: Axes, labels: Sequence[LabelledSample]) -> Iterable[Table]:
    """For every verdict that can be labelled and has been."""
    for reading, labelling in labelled(axes):
        arms = [read_by(arm, axes, reading) for arm in sampled(block)]
        given = labels_of(reading, labels)

        def verdicts(arm: SampledArm, axis: Axis = reading.axis, given: Labels = given) -> Verdicts:
            return Verdicts.of(arm.rows, axis, given[arm.id])

        read = {arm.id: verdicts(arm).read() for arm in arms if given[arm.id]}
        run = error_over(read.values())
        sources = {arm.id: source_of(arm, read.get(arm.id, {}), run, labelling.error) for arm in arms}
        own = own_errors(block.key, reading, arms, read)
        if own or labelling.error:
            yield error_table(reading, labelling, own)
        if any(sources.values()):
            yield corrected_table(forms(block, reading), reading, arms, verdicts, sources)


def labelled(axes: Axes) -> Iterable[tuple[Reading, Labelling]]:
    return ((reading, reading.labelling) for reading in axes.readings if reading.labelling)


def forms(block: Block, reading: Reading) -> list[tuple[Metric, Form]]:
    """The rates that depend on the reading's axis."""
    found = [(metric, metric.rate and form_of(metric.rate, reading.axis)) for metric in block.metrics]
    return [(metric, form) for metric, form in found if form]


def labels_of(reading: Reading, labels: Sequence[LabelledSample]) -> Labels:
    found: Labels = defaultdict(list)
    for one in labels:
        if one.reading == reading.name:
            found[one.cell].append(one)
    return found


def error_over(several: Iterable[Read]) -> Confusion:
    """Over the different replies of these arms: one that arms share was read once."""
    return Confusion.of({text: pair for one in several for text, pair in one.items()}.values())


def unmeasured(block: Block, axes: Axes, labels: Sequence[LabelledSample]) -> Iterable[str]:
    """A line for each verdict whose error nobody has measured."""
    ids = {arm.id for arm in block.arms}
    for reading, labelling in labelled(axes):
        own = len({one.text for one in labels if one.cell in ids and one.reading == reading.name})
        if labelling.error is None and own < MIN_LABELS:
            has = f"{own} labels, {MIN_LABELS} are needed" if own else "no labels"
            yield f"How often “{reading.name}” errs is not measured here ({has}): `harness label RUN` asks for them."


def source_of(arm: SampledArm, read: Read, run: Confusion, shipped: GraderError | None) -> Source | None:
    """The nearest error that was measured: on this arm, on the run's other arms with it, on the suite's own replies of
    this model, on all of those."""
    own = error_over([read])
    if own.n >= MIN_LABELS:
        return Source(f"{THIS_RUN}, {arm.label}", own, by_own_labels)
    if run.n >= MIN_LABELS:
        return Source(f"{THIS_RUN}, all", run, by_error(run))
    if shipped is None:
        return None
    name = arm.cell.model.rstrip("/").rpartition("/")[2]
    known = name in shipped.by_model
    where, error = (name, shipped.by_model[name]) if known else (shipped.pooled_over, shipped.pooled)
    return Source(where, error, by_error(error))


def own_errors(suite: str, reading: Reading, arms: Sequence[SampledArm], read: dict[str, Read]) -> list[Measured]:
    def measured(who: str, several: Iterable[Read], arm: str = "") -> Measured:
        behind = Samples(arm, suite=suite, reading=reading.name, labelled="either")
        return Measured(f"{THIS_RUN}, {who}", error_over(several), behind)

    by_arm = [measured(arm.label, [read[arm.id]], arm.id) for arm in arms if arm.id in read]
    found = [one for one in by_arm if one.error.n]
    return [*found, measured("all", read.values())] if len(found) > 1 else found


def error_table(reading: Reading, labelling: Labelling, own: Sequence[Measured]) -> Table:
    """One row for each set of labelled replies."""
    columns = (
        Column("measured_on", "measured on replies of"),
        Column("labels", "labels", "right"),
        Column("precision", "precision", "right"),
        Column("recall", "recall", "right"),
        Column("specificity", "specificity", "right"),
    )
    shipped = labelling.error
    by_model = [Measured(*one) for one in shipped.by_model.items()] if shipped else []
    pooled = [Measured(shipped.pooled_over, shipped.pooled)] if shipped and len(shipped.by_model) > 1 else []
    rows = tuple(
        (
            text_cell(one.where),
            Cell(str(one.error.n), one.error.model_dump(), {0: one.behind}),
            *share_cells(one, reading),
        )
        for one in (*own, *by_model, *pooled)
    )
    notes = [
        f"Readers were asked, without seeing the verdict: {labelling.question} Replies that are alike were read once."
    ]
    if shipped:
        agreed = agreement(shipped)
        source = f" Labels: {shipped.source}." if shipped.source else ""
        notes.append(f"The suite's own labels: {shipped.readers} readers{agreed}.{source}")
    return Table(f"error:{reading.name}", f"Measured error of “{reading.name}”", columns, rows, tuple(notes))


def agreement(error: GraderError) -> str:
    if error.kappa is None:
        return ""
    limits = error.kappa_interval
    return f", agreement κ = {error.kappa:.2f}" + (f" {bracket(Interval(*limits), 1, 2)}" if limits else "")


def share_cells(measured: Measured, reading: Reading) -> tuple[Cell, ...]:
    """Precision, recall, specificity."""
    error, behind = measured.error, measured.behind
    rightly = {
        said: behind and replace(behind, outcome=passed_by(reading, said), labelled="yes" if said else "no")
        for said in (True, False)
    }
    return (
        share_cell(error.precision, rightly[True]),
        share_cell(error.recall, rightly[True]),
        share_cell(error.specificity, rightly[False]),
    )


def share_cell(counts: tuple[int, int], behind: Samples | None) -> Cell:
    k, n = counts
    if not n:
        return Cell(NONE)
    interval = wilson(k, n)
    value: dict[str, JsonValue] = {"value": k / n, "k": k, "n": n, "interval": list(interval)}
    return Cell(f"{percent(k / n)}  {fraction(k, n)}\n{bracket(interval)}", value, {0: behind})


def corrected_table(
    forms: Sequence[tuple[Metric, Form]],
    reading: Reading,
    arms: Sequence[SampledArm],
    verdicts: Callable[[SampledArm], Verdicts],
    sources: dict[str, Source | None],
) -> Table:
    """Arm × rate: as the verdict has it, and as it must be, given how the verdict errs."""
    columns = (
        Column("configuration", "configuration"),
        Column("rate", "rate"),
        Column("raw", "raw", "right"),
        Column("corrected", "corrected", "right"),
        Column("measured_on", "error measured on"),
    )
    rows = []
    for arm in arms:
        source = sources[arm.id]
        for metric, form in forms:
            raw, behind = arm.estimate(metric), read_as(counted(arm, metric), reading)
            value, counts, interval = estimate_text(raw, metric)
            cell = Cell(NONE)
            if source and raw.denominator:
                measured: dict[str, JsonValue] = {"error": source.error.model_dump()}
                cell = correction_cell(corrected_rate(form, verdicts(arm), source.correct), measured)
            rows.append(
                (
                    text_cell(arm.label),
                    text_cell(metric.title, metric.key),
                    Cell(f"{value}  {counts}\n{interval}", estimate_json(raw, metric), {0: behind}),
                    cell,
                    text_cell(source.where if source else NONE),
                )
            )
    notes = (
        "Corrected, of the scored samples; both intervals are 95 %, the second one knows that the error was estimated. By an "
        "arm's own labels: prediction-powered inference; by labels elsewhere: Rogan-Gladen with Lang and Reiczigel's interval, "
        "the verdict being taken to err alike there and here, whatever the other verdict.",
        NOTHING_CORRECTS,
    )
    title = f"Rates corrected for the error of “{reading.name}”"
    return Table(f"corrected:{reading.name}", title, columns, tuple(rows), notes)
