"""`build(data)`: from samples to tables. Everything printed later is computed here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.report import axes_tables as axes
from harness.report import result_tables as results
from harness.report.analysis import Block, analyse, published_key, remarks_of
from harness.report.arms import SampledArm
from harness.report.curves.by_size import size_chart
from harness.report.curves.by_step import step_chart
from harness.report.curves.data import Chart
from harness.report.data import PublishedChecks, ReportData
from harness.report.detector_tables import detectors
from harness.report.difference_tables import differences
from harness.report.draw_tables import draw_tables
from harness.report.error_tables import error_tables, unmeasured
from harness.report.flip_tables import flip_tables
from harness.report.frozen_tables import frozen_table
from harness.report.headline_table import headlines
from harness.report.numbers import percent
from harness.report.pooled_tables import pooled_tables
from harness.report.reading_tables import reading_tables
from harness.report.review_tables import RepliesOf, review_tables
from harness.report.run_tables import exclusions, sizes
from harness.report.seed_tables import seed_tables
from harness.report.survival_tables import survival_tables
from harness.report.table import Cell, Column, Picture, Report, Section, Table, text_cell
from harness.report.training.alarm_tables import alarm_lines, alarm_tables
from harness.report.training.deployment_plot import deployment_pictures
from harness.report.training.deployment_tables import deployment_tables
from harness.report.training.plot import trajectory_picture
from harness.report.training.tables import training_tables
from harness.report.trust import methods, recorded
from harness.stats import MIN_ITEMS

NAMED = 4  # cells named per cause
CUT = 0.05  # share of replies cut at the token limit above which an arm's figures come with a warning


def build(data: ReportData, plots: bool = False, replies_of: RepliesOf | None = None) -> Report:
    """All sections of the report, in reading order; with `plots`, pictures beside their tables; with `replies_of` a cell,
    what to read first."""
    blocks = analyse(data)
    sections = [
        Section(
            block.key,
            block.title,
            tuple(block_tables(block, data, replies_of)),
            notes=caveats(block, data),
            pictures=tuple(pictures(block)) if plots else (),
            charts=tuple(charts(block, blocks)) if plots else (),
        )
        for block in blocks
    ]
    sections += [checks_section(checks) for checks in data.published_checks]
    if data.cells:
        sections.append(Section("run", "Run", (*sizes(data.cells), exclusions(data))))
    sections += [Section(f"extra:{extra.title}", extra.title, markdown=extra.markdown) for extra in data.extra]
    trust = [recorded(data.footer)] if data.footer else []
    sections.append(Section("trust", "Trust", (*trust, methods(blocks))))
    return Report(data.title, tuple(sections), (*(data.footer.notes if data.footer else ()), *data.label_faults))


def block_tables(block: Block, data: ReportData, replies_of: RepliesOf | None) -> Iterable[Table]:
    if block.training:
        over_seeds = {key: found for key, found in block.seed_comparisons.items() if found.adjusted is not None}
        yield from training_tables(block.training, over_seeds)
        yield from alarm_tables(block.training)
        yield from deployment_tables(block.training.deployments)
    if not any(arm.samples() for arm in block.arms):
        return
    yield from headlines(block)
    if block.axes:
        yield axes.quadrant_table(block, block.axes)
        yield from reading_tables(block, data.controls.get(block.key, ()))
        yield from error_tables(block, block.axes, data.labels)
    yield from results.overviews(block)
    yield from pooled_tables(block)
    if block.axes:
        yield from flip_tables(block, block.axes)
    yield from draw_tables(block)
    yield from seed_tables(block)
    yield from survival_tables(block)
    yield from differences(block)
    if block.axes:
        yield axes.chance_table(block, block.axes)
        yield from axes.missing_tables(block)
    arms = [arm for arm in block.arms if isinstance(arm, SampledArm)]
    ids = {arm.id for arm in arms}
    runs = [run for run in data.detectors if run.cell in ids]
    if runs:
        yield detectors(arms, runs, block.axes)
        if data.frozen and block.axes:
            yield frozen_table(arms, runs, data.frozen, block.key)
    if replies_of:
        yield from review_tables(block, replies_of)
    if block.axes:
        yield from axes.transition_tables(block, block.axes)
        if block.families:
            yield axes.family_quadrant_table(block, block.axes)
    yield from results.family_tables(block)


def checks_section(checks: PublishedChecks) -> Section:
    columns = (
        Column("check", "check"),
        Column("claim", "claim"),
        Column("threshold", "threshold"),
        Column("achieved", "achieved"),
    )
    rows = tuple(
        (
            text_cell(row.name),
            text_cell(row.claim),
            text_cell(row.threshold),
            Cell(row.achieved or "not published", row.achieved),
        )
        for row in checks.rows
    )
    table = Table("checks", "Checks, as published", columns, rows)
    return Section(published_key(checks.name), f"Published: {checks.name}", (table,), notes=remarks_of([checks]))


def pictures(block: Block) -> Iterable[Picture]:
    if block.training:
        if picture := trajectory_picture(block.training, block.title):
            yield picture
        yield from deployment_pictures(block.training.deployments, block.title)


def charts(block: Block, blocks: Sequence[Block]) -> Iterable[Chart]:
    yield from filter(None, (size_chart(block, blocks), step_chart(block)))


def caveats(block: Block, data: ReportData) -> tuple[str, ...]:
    """What a reader should not conclude from a block."""
    notes = [*alarm_lines(block.training)] if block.training else []
    if block.published:
        if block.arms:
            notes.append("Published aggregates without item links: paired columns are not available.")
        if any(arm.items < arm.samples() for arm in block.arms):
            notes.append("Intervals are taken at the number of items: repeats of an item are not further items.")
        notes += block.remarks
    sampled = [arm for arm in block.arms if isinstance(arm, SampledArm)]
    if block.axes and sampled:
        notes += unmeasured(block, block.axes, data.labels)
    notes += cut_short(block, data)
    notes += ended_early(block)
    notes += trained_elsewhere(sampled)
    notes += without_samples([arm for arm in sampled if not arm.samples()])
    for arm in sampled:
        if arm.samples() > 0 and arm.cell.attempted < arm.cell.planned:
            counts = f"{arm.cell.attempted} of {arm.cell.planned} samples exist"
            notes.append(f"{arm.label}: {counts}; its figures are of those.")
    for count in sorted({arm.items for arm in block.arms if arm.items}):
        if count < MIN_ITEMS:
            notes.append(f"n = {count} items carries no inference (the rule asks for at least {MIN_ITEMS}).")
    return tuple(notes)


def cut_short(block: Block, data: ReportData) -> Iterable[str]:
    """A line for each arm of which the token limit cut more than a few replies: what is cut can show too little."""
    for trained in block.training.trained if block.training else ():
        if (share := trained.cut_share() or 0) > CUT:
            yield f"Warning: {trained.label}: the token limit cut {percent(share)} of the rollouts that it was trained on."
    for arm in block.arms:
        if isinstance(arm, SampledArm) and arm.cell.truncation_known and arm.rows:
            share = sum(row.truncated for row in arm.rows) / len(arm.rows)
            if share > CUT:
                yield f"Warning: {arm.label}: the token limit cut {percent(share)} of the replies; see --max-tokens."


def ended_early(block: Block) -> Iterable[str]:
    """A line for each reason why trainings ended before their last step."""
    found: dict[str, list[str]] = {}
    for arm in block.training.trained if block.training else ():
        for seed, run in sorted(arm.runs.items()):
            if reason := run.rows[-1].get("stopped"):
                found.setdefault(f"{arm.label}: {reason}", []).append(str(seed))
    for reason, seeds in found.items():
        yield f"Training ended early, with what was learnt until then: {reason} (seed {', '.join(seeds)})."


def trained_elsewhere(arms: Sequence[SampledArm]) -> Iterable[str]:
    """One line for each other suite that arms of this one were trained on."""
    found: dict[str, dict[str, None]] = {}
    for arm in arms:
        if arm.cell.trained_on:
            found.setdefault(arm.cell.trained_on, {})[arm.cell.trainer] = None
    for suite, trainers in found.items():
        yield f"Trained on {suite}, judged here: {', '.join(trainers)}."


def without_samples(arms: Sequence[SampledArm]) -> Iterable[str]:
    """One line per cause."""
    causes: dict[str, list[str]] = {}
    for arm in arms:
        causes.setdefault(arm.cell.error or arm.cell.state, []).append(arm.label)
    for cause, labels in causes.items():
        if len(labels) == 1:
            yield f"{labels[0]} has no samples: {cause}"
        else:
            more = f" and {len(labels) - NAMED} more" if len(labels) > NAMED else ""
            yield f"{', '.join(labels[:NAMED])}{more} have no samples: {cause}"
