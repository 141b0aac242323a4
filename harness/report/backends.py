"""What a reader must know about how samples were drawn: who answered, how, and what is unknown about it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from harness.lm_eval.backends.known import backend_info
from harness.planning.cells import Cell
from harness.registry.backend import NOTES, BackendNotes
from harness.store.run import CellStore, stored_record


def says_truncated(cell: Cell, store: CellStore) -> bool:
    """Whether it is known which replies the token limit cut: some backends do not say."""
    return cell.model.backend is None or _stored(store).says_truncated


def coupled(cell: Cell) -> bool:
    """Whether arms draw the same noise."""
    backend = cell.model.backend
    return cell.settings.temperature > 0 and (backend is None or backend.coupled)


def backend_notes(cell: Cell, store: CellStore) -> Iterable[str]:
    backend = cell.model.backend
    if backend is None:
        return
    stored = _stored(store)
    models = stored.answered_by or list(filter(None, [backend.reported]))
    named = f"; the server calls its model {' and '.join(models)}" if models else ""
    yield f"{cell.model.name}: sampled through lm-eval {backend.version}'s backend {backend.name}{named}."
    if len(models) > 1:
        yield f"{cell.model.name}: more than one model answered."
    if coupled(cell):
        yield f"{cell.model.name}: coupled, the backend draws the harness's own noise."
    elif cell.settings.temperature > 0:
        yield f"{cell.model.name}: uncoupled, the backend draws noise of its own; {_seeding(backend.name)}."
    if not says_truncated(cell, store):
        yield f"{cell.model.name}: the backend does not say which replies the token limit cut."
    if not stored.templated:
        yield f"{cell.model.name}: no chat template was applied, prompts were asked as plain text."
    if cell.settings.temperature > 0 and (stored.same_in_all_repeats or _same_in_all_repeats(store)):
        yield f"{cell.model.name}: all repeats of every prompt are the same text, so the server did not sample."


def decoding_notes(cell: Cell, store: CellStore) -> list[str]:
    """How replies were decoded, where that is not the usual way."""
    notes = []
    if reason := store.decoding.alone:
        notes.append(f"{cell.id}: asked one prompt at a time: {reason}")
    if reason := store.decoding.by_batch:
        notes.append(f"{cell.id}: decoded batch by batch by transformers: {reason}")
    if cell.settings.dtype != "float32" and (later := sum(row.sitting > 0 for row in store.samples())):
        notes.append(
            f"{cell.id}: {later} replies come from a later sitting; in {cell.settings.dtype} near-ties may fall otherwise"
        )
    return notes


def _seeding(name: str) -> str:
    facts = backend_info(name)
    if facts.seeded:
        return "each request carries a seed of its own"
    return "its chunks are seeded" if facts.packed else "it takes no seed, so repeats cannot be reproduced"


def _same_in_all_repeats(store: CellStore) -> bool:
    """Then the server was asked to sample and did not."""
    texts: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in store.samples():
        if row.reply is not None:
            texts[row.item, row.role].append(row.reply.text)
    return any(len(found) > 1 for found in texts.values()) and all(len(set(found)) == 1 for found in texts.values())


def _stored(store: CellStore) -> BackendNotes:
    path = store.folder / NOTES
    return stored_record(path, BackendNotes) if path.exists() else BackendNotes(backend={})
