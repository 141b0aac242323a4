"""From a run folder to a report's input. Reads what is stored; imports no suite's code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean

from pydantic import JsonValue

from harness.contract import Axes, Control, Scores, TaskSuiteSpec
from harness.detection.error_rates import load_error_rates
from harness.detection.tools import not_applicable
from harness.planning.cells import Cell, Plan
from harness.registry.catalogue import Catalogue
from harness.registry.component import Component
from harness.report.backends import backend_notes, coupled, decoding_notes, says_truncated
from harness.report.coverage import not_covered, stamp
from harness.report.data import (
    CellSummary,
    Contrast,
    DetectorRun,
    ExtraSection,
    FlagRow,
    ReportData,
    Row,
    TrainingRun,
    TrustFooter,
)
from harness.report.labels import labelled_samples
from harness.report.page.pack import Said, Texts
from harness.report.shelf import Shelf
from harness.report.transcripts import likelihoods, reply_text
from harness.store.files import Damaged, read_object
from harness.store.hashing import key_of
from harness.store.run import CellStore, CheckSummary, RunStore, stored_record
from harness.store.training_log import read_training

NOT_RUN = "not run"


def collect(store: RunStore, catalogue: Catalogue) -> ReportData:
    plan = Plan.of(store)
    stores = {cell.id: store.cell(cell.id) for cell in plan.cells}
    shelf = Shelf[Row]()
    rows = {cell.id: shelf.put(_rows(cell, stores[cell.id])) for cell in plan.cells}
    fidelity = _fidelity(plan, rows, catalogue)
    cells = tuple(_summary(cell, stores[cell.id], rows[cell.id], fidelity.get(_arm(cell))) for cell in plan.cells)
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
        footer=_footer(plan, store, cells, catalogue),  # last: it says which hooks failed
    )


def _rows(cell: Cell, store: CellStore) -> list[Row]:
    """The verdicts that count."""
    return [Row.of(row) for row in store.verdicts(cell.grade_key) if row.repeat < cell.settings.runs]


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


def _summary(cell: Cell, store: CellStore, rows: Sequence[Row], fidelity: tuple[str, float] | None) -> CellSummary:
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
        fidelity=fidelity,
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


def _fidelity(
    plan: Plan, rows: dict[str, Sequence[Row]], catalogue: Catalogue
) -> dict[tuple[str, str, str, int], tuple[str, float]]:
    """By arm, the mean of the score that a suite of the run wants beside every arm's size."""
    found = {}
    for cell in plan.cells:
        spec, _ = catalogue.spec("tasks", cell.suite.plugin)
        key = spec.beside_size if isinstance(spec, TaskSuiteSpec) else None
        scores = [row.verdict.values for row in rows[cell.id] if isinstance(row.verdict, Scores)]
        if key and (values := [score[key] for score in scores if key in score]):
            found[_arm(cell)] = key, fmean(values)
    return found


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


def _footer(plan: Plan, store: RunStore, cells: tuple[CellSummary, ...], catalogue: Catalogue) -> TrustFooter:
    settings = plan.cells[0].settings
    excluded: Counter[str] = Counter()
    for cell in cells:
        excluded.update(cell.excluded)
    components = [c for cell in plan.cells for c in (cell.trainer, cell.compressor, cell.suite, *cell.detectors)]
    notes = dict.fromkeys(not_covered(plan, store))
    notes |= dict.fromkeys(cell.model.note for cell in plan.cells if cell.model.note)
    notes |= dict.fromkeys(note for cell in plan.cells for note in cell.notes)
    notes |= dict.fromkeys(note for cell in plan.cells for note in backend_notes(cell, store.cell(cell.id)))
    notes |= dict.fromkeys(note for cell in plan.cells for note in decoding_notes(cell, store.cell(cell.id)))
    failures = Counter(catalogue.plugins.hook_errors)
    for state in (store.cell(cell.id).state for cell in cells):
        failures.update(state.hook_errors)
    return TrustFooter(
        planned=sum(cell.planned for cell in cells),
        attempted=sum(cell.attempted for cell in cells),
        scored=sum(cell.scored for cell in cells),
        excluded=dict(excluded),
        config=str(store.folder / "config.toml"),
        plugins={c.plugin: f"{c.distribution} {c.version} ({c.source[:12]})" for c in components if not c.untouched},
        models={cell.model.name: cell.model.digest for cell in plan.cells},
        artefacts={cell.id: key for cell in plan.cells if (key := cell.compressed_key or cell.trained_key)},
        prompts_digest=", ".join(sorted({cell.questions for cell in plan.cells})),
        seeds=plan.experiment.seeds,
        repeats=settings.runs,
        temperature=settings.temperature,
        top_p=settings.top_p,
        coupled=all(map(coupled, plan.cells)),
        isolation=_isolation(plan, store),
        retries=Counter(row.cause for cell in cells for row in store.cell(cell.id).retries()),
        store_retries=_store_retries(cells, store),
        self_checks=_self_checks(plan, store),
        command=_command(store.folder),
        samples=str(store.folder / "cells" / "*" / "samples.jsonl"),
        notes=(*notes, *(f"a lifecycle hook failed {count} times: {what}" for what, count in failures.items())),
    )


def _store_retries(cells: tuple[CellSummary, ...], store: RunStore) -> int | None:
    """By the driver and by its workers. None for a run without a store."""
    driver = store.store_retries
    workers = sum(store.cell(cell.id).state.store_retries for cell in cells)
    return None if driver is None and not workers else (driver or 0) + workers


def _isolation(plan: Plan, store: RunStore) -> str:
    """Where suites ran generated code (their parameter `sandbox`), and how many workers that cost."""
    from harness.sandbox import providers

    summaries = {
        provider.name: provider.summary + ("; accepted by --accept-weak-isolation" if provider.weak else "")
        for provider in providers()
    }
    kinds = {cell.suite.label: cell.suite.params.get("sandbox") for cell in plan.cells}
    used = [f"{label}: {kind} ({summaries.get(str(kind), 'from a plugin')})" for label, kind in kinds.items() if kind]
    replaced = sum(store.cell(cell.id).state.workers_replaced for cell in plan.cells)
    lost = [f"{replaced} workers lost and replaced"] if used else []
    return "; ".join([*used, *lost]) or "no generated code was run"


def texts(store: RunStore, cell_id: str) -> Texts:
    """What a cell was asked and answered, for the page."""
    cell = store.cell(cell_id)
    replies: dict[tuple[str, int], dict[str, Said]] = {}
    for row in cell.samples():
        likely = likelihoods(row)
        replies.setdefault((row.item, row.repeat), {})[row.role] = likely or reply_text(row)
    return Texts(cell.prompts(), replies)


def _self_checks(plan: Plan, store: RunStore) -> dict[str, str]:
    """By suite, from the first of its cells that got that far."""
    found: dict[str, str] = {}
    for cell in plan.cells:
        if found.get(cell.suite.label, NOT_RUN) == NOT_RUN:
            found[cell.suite.label] = _self_check(store.cell(cell.id).folder)
    return found


def _controls(plan: Plan, store: RunStore) -> dict[str, tuple[Control, ...]]:
    """By suite, from the last of its cells that has checked itself."""
    found: dict[str, tuple[Control, ...]] = {}
    for cell in plan.cells:
        path = store.cell(cell.id).folder / "self_check.json"
        if path.exists():
            found[cell.suite.label] = stored_record(path, CheckSummary).controls
    return found


def _self_check(folder: Path) -> str:
    path = folder / "self_check.json"
    if not path.exists():
        return NOT_RUN
    found = stored_record(path, CheckSummary)
    proved = f"{found.checks - len(found.failures)} of {found.checks} known answers graded right"
    return "; ".join([proved, *found.notes])


def _command(folder: Path) -> str:
    path = folder / "env.json"
    return str(read_object(path).get("command", "")) if path.exists() else ""


def _extra_sections(plan: Plan, store: RunStore, catalogue: Catalogue):
    for title, markdown in catalogue.plugins.report_sections(store.folder, plan):
        yield ExtraSection(title=title, markdown=markdown)
