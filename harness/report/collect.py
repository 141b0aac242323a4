"""From a run folder to a report's input. Reads what is stored; imports no suite's code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import fmean
from sys import intern

from pydantic import JsonValue

from harness.contract import Axes, Control, Scores, TaskSuiteSpec
from harness.detection.error_rates import load_error_rates
from harness.detection.tools import not_applicable
from harness.planning.cells import Cell, Plan
from harness.registry.catalogue import Catalogue
from harness.registry.component import Component
from harness.report.backends import says_truncated
from harness.report.coverage import stamp
from harness.report.data import (
    CellSummary,
    Contrast,
    DetectorRun,
    ExtraSection,
    FlagRow,
    ReportData,
    Row,
    TrainingRun,
)
from harness.report.footer import footer_of
from harness.report.labels import labelled_samples
from harness.report.page.pack import Said, Texts
from harness.report.shelf import Alike, Shelf
from harness.report.transcripts import likelihoods, reply_text
from harness.store.files import Damaged
from harness.store.hashing import key_of
from harness.store.run import CellStore, CheckSummary, RunStore, stored_record
from harness.store.training_log import read_training


def collect(store: RunStore, catalogue: Catalogue) -> ReportData:
    plan = Plan.of(store)
    stores = {cell.id: store.cell(cell.id) for cell in plan.cells}
    rows, cells = _sampled(plan, stores, catalogue)
    suites = axes_of(plan, catalogue)
    readings = {suite: axes.labelled() for suite, axes in suites.items() if axes}
    labels, label_faults = labelled_samples(plan, store, readings)
    return ReportData(
        title=f"harness · {stamp(plan)}",
        suites=suites,
        controls=_controls(plan, store),
        cells=cells,
        rows=rows,
        contrasts=tuple(Contrast(**contrast.model_dump()) for contrast in plan.contrasts),
        detectors=tuple(_detectors(plan, stores, catalogue)),
        training=tuple(_training(plan, stores)),
        labels=tuple(labels),
        label_faults=tuple(label_faults),
        extra=tuple(_extra_sections(plan, store, catalogue)),
        footer=footer_of(plan, store, cells, catalogue),  # last: it says which hooks failed
    )


def _sampled(
    plan: Plan, stores: dict[str, CellStore], catalogue: Catalogue
) -> tuple[dict[str, Sequence[Row]], tuple[CellSummary, ...]]:
    """The verdicts that count, by cell, and what is said of each cell. Its verdicts are gone through while they are at hand."""
    shelf, alike = Shelf[Row](), Alike()
    rows, cells, fidelity = {}, {}, {}
    for cell in plan.cells:
        found = rows_of(cell, stores[cell.id], alike)
        rows[cell.id] = shelf.put(found)
        cells[cell.id] = _summary(cell, stores[cell.id], found)
        if mean := _beside_size(cell, found, catalogue):
            fidelity[_arm(cell)] = mean
    told = (cells[cell.id].model_copy(update={"fidelity": fidelity.get(_arm(cell))}) for cell in plan.cells)
    return rows, tuple(told)


def rows_of(cell: Cell, store: CellStore, alike: Alike) -> list[Row]:
    """The verdicts of a cell that count; equal ones are one object."""
    return [
        Row(
            intern(row.item),
            intern(row.family),
            intern(row.cluster),
            row.repeat,
            row.verdict and alike.one(row.verdict),
            row.error,
            row.truncated,
        )
        for row in store.verdicts(cell.grade_key)
        if row.repeat < cell.settings.runs
    ]


def axes_of(plan: Plan, catalogue: Catalogue) -> dict[str, Axes | None]:
    """By suite, those that are trained on last; None for one whose verdicts are scores."""
    suites = {cell.suite.label: cell.suite for cell in plan.cells}
    for cell in plan.cells:
        if cell.training:
            suites.setdefault(cell.training.suite.label, cell.training.suite)
    return {label: _axes(suite, catalogue) for label, suite in suites.items()}


def _axes(suite: Component, catalogue: Catalogue) -> Axes | None:
    spec, _ = catalogue.spec("tasks", suite.plugin)
    assert isinstance(spec, TaskSuiteSpec)
    axes = spec.axes_under(suite.params)
    return axes and axes.holding_under(suite.params)


def _summary(cell: Cell, store: CellStore, rows: Sequence[Row]) -> CellSummary:
    state = store.state
    planned = cell.items * cell.settings.runs
    excluded = Counter(_reason(row.error) for row in rows if row.error)
    if len(rows) > planned:
        raise Damaged(store.verdicts_path(cell.grade_key), None, f"{len(rows)} verdicts on {planned} samples")
    if missing := planned - len(rows):
        excluded["not run"] += missing
    return CellSummary(
        id=cell.id,
        model=cell.model.name,
        suite=cell.suite.label,
        compressor=cell.compressor.label,
        method=_method(cell.compressor),
        draw_of=cell.compressor.draw_of or "",
        trainer=cell.trainer.label,
        seed=cell.seed,
        training=cell.training_key,
        trained_on=_trained_elsewhere(cell),
        deployment={name: cell.trainer.params[name] for name in sorted(cell.trainer.deployment)},
        compression=store.weights,
        state="done" if state.state == "done" else "failed" if state.state == "failed" else "partial",
        error=state.error,
        planned=planned,
        attempted=len(rows),
        scored=sum(row.verdict is not None for row in rows),
        excluded=dict(excluded),
        seconds=sum(state.seconds.values()) or None,
        truncation_known=says_truncated(cell, store),
    )


def _trained_elsewhere(cell: Cell) -> str:
    label = cell.training.suite.label if cell.training else ""
    return "" if label == cell.suite.label else label


def _method(compressor: Component) -> str:
    """The plugin with those of its parameters that are no numbers, and the same of what it is a control of."""
    return key_of([[one.plugin, {k: v for k, v in one.params.items() if not _number(v)}] for one in compressor.chain])


def _number(value: JsonValue) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _arm(cell: Cell) -> tuple[str, str, str, int]:
    """What cells of several suites have in common when they ask one and the same model."""
    return cell.model.name, cell.trainer.label, cell.compressor.label, cell.seed


def _beside_size(cell: Cell, rows: Sequence[Row], catalogue: Catalogue) -> tuple[str, float] | None:
    """The mean of the score that the cell's suite wants beside every arm's size."""
    spec, _ = catalogue.spec("tasks", cell.suite.plugin)
    key = spec.beside_size if isinstance(spec, TaskSuiteSpec) else None
    scores = [row.verdict.values for row in rows if isinstance(row.verdict, Scores)] if key else []
    values = [score[key] for score in scores if key in score]
    return (key, fmean(values)) if key and values else None


def _reason(error: str) -> str:
    """Group errors by their first clause, without the numbers that differ from item to item."""
    return error.split("(")[0].split(",")[0].strip()[:80]


def _detectors(plan: Plan, stores: dict[str, CellStore], catalogue: Catalogue):
    shelf = Shelf[FlagRow]()
    for cell in plan.cells:
        for component in cell.detectors:
            steered = cell.monitored_by(component)
            spec, _ = catalogue.spec("detectors", component.plugin)
            reason = "it steered this arm's training" if steered else not_applicable(component, spec, cell.model)
            rows = stores[cell.id].flags(cell.detect_keys[component.label])
            flags = [
                FlagRow(item=row.item, repeat=row.repeat, flag=row.flag)
                for row in rows
                if row.repeat < cell.settings.runs
            ]
            yield DetectorRun(
                cell=cell.id,
                detector=component.label,
                flags=shelf.put(flags),
                not_applicable=reason,
                error_rates=load_error_rates(cell.suite, component),
                used_in_training=steered,
            )


def _training(plan: Plan, stores: dict[str, CellStore]) -> Iterable[TrainingRun]:
    """One run for each trained arm and seed, from the first of its cells that has its rows."""
    found: dict[tuple[str, str, str, int], TrainingRun] = {}
    for cell in plan.cells:
        if cell.training is None:
            continue
        frame = (cell.model.name, cell.training.suite.label, cell.trainer.label, cell.seed)
        if not (frame in found and found[frame].rows):
            model, suite, trainer, seed = frame
            monitor = cell.trainer.params.get("monitor")
            found[frame] = TrainingRun(
                model=model,
                suite=suite,
                trainer=trainer,
                seed=seed,
                training=cell.training_key,
                params=cell.trainer.params,
                monitor=str(monitor) if monitor else None,
                rows=tuple(read_training(stores[cell.id].folder)),
            )
    return found.values()


def texts(store: RunStore, cell_id: str) -> Texts:
    """What a cell was asked and answered, for the page."""
    cell = store.cell(cell_id)
    replies: dict[tuple[str, int], dict[str, Said]] = {}
    for row in cell.samples():
        likely = likelihoods(row)
        replies.setdefault((row.item, row.repeat), {})[row.role] = likely or reply_text(row)
    return Texts(cell.prompts(), replies)


def _controls(plan: Plan, store: RunStore) -> dict[str, tuple[Control, ...]]:
    """By suite, from the last of its cells that has checked itself."""
    found: dict[str, tuple[Control, ...]] = {}
    for cell in plan.cells:
        path = store.cell(cell.id).folder / "self_check.json"
        if path.exists():
            found[cell.suite.label] = stored_record(path, CheckSummary).controls
    return found


def _extra_sections(plan: Plan, store: RunStore, catalogue: Catalogue):
    for title, markdown in catalogue.plugins.report_sections(store.folder, plan):
        yield ExtraSection(title=title, markdown=markdown)
