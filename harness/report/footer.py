"""How a run was made and what it rests on: the report's trust footer, from the run folder."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from harness.planning.cells import Plan
from harness.registry.catalogue import Catalogue
from harness.report.backends import backend_notes, coupled, decoding_notes
from harness.report.coverage import not_covered
from harness.report.data import CellSummary, TrustFooter
from harness.store.files import read_object
from harness.store.run import CheckSummary, RunStore, stored_record

NOT_RUN = "not run"


def footer_of(plan: Plan, store: RunStore, cells: tuple[CellSummary, ...], catalogue: Catalogue) -> TrustFooter:
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


def _self_checks(plan: Plan, store: RunStore) -> dict[str, str]:
    """By suite, from the first of its cells that got that far."""
    found: dict[str, str] = {}
    for cell in plan.cells:
        if found.get(cell.suite.label, NOT_RUN) == NOT_RUN:
            found[cell.suite.label] = _self_check(store.cell(cell.id).folder)
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
