"""A run folder in a store: every cell is a folder of its own there, so that one machine goes on where another stopped, and
several may bring cells of one run."""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

from harness.checkpoints.manifest import MARKER
from harness.errors import UsageError
from harness.planning.cells import Plan
from harness.running.executors import Event
from harness.running.stages.weights import TRAINED
from harness.store.cache import cache_entries
from harness.store.files import make_folder
from harness.store.remote import Remote, Transfer, store_retries
from harness.store.run import RunStore

SECONDS = 60.0  # between two pushes of a cell that is being sampled
CELLS = "cells"
SAMPLES = "samples.jsonl"
ARTEFACTS = "artefacts"  # the cache's folder of trained and compressed models


class RemoteRun:
    """The run folder `store` in `remote`, under the folder's name."""

    def __init__(self, remote: Remote, store: RunStore) -> None:
        self.remote = remote
        self.store = store
        self.name = f"runs/{store.folder.resolve().name}"
        self._pushed = time.monotonic()
        self._counted = store_retries()

    def pull(self, plan: Plan) -> Transfer:
        """Bring the plan's cells here that are further there than here."""
        moved = Transfer()
        for cell in plan.cells:
            moved = _sum(moved, self._pull_cell(cell.id))
        self._count_retries()
        return moved

    def pull_whole(self, dry_run: bool = False) -> Transfer:
        """Everything, by the plan that lies there. Raises UsageError if there is none."""
        top = self.remote.pull(f"{self.name}/top", self.store.folder, dry_run)
        if top is None:
            cause = f"the store {self.remote.url} has no run {self.store.folder.name}"
            raise UsageError(cause, "`harness push` puts one there")
        if dry_run and not self.store.plan_path.is_file():
            return top
        moved = top
        for cell in Plan.of(self.store).cells:
            moved = _sum(moved, self._pull_cell(cell.id, dry_run))
        return moved

    def push(self, dry_run: bool = False) -> Transfer:
        """Every cell, then what is not a cell."""
        moved = Transfer()
        for cell in Plan.of(self.store).cells:
            moved = _sum(moved, self.push_cell(cell.id, dry_run))
        return _sum(moved, self._push_top(dry_run))

    def push_cell(self, cell_id: str, dry_run: bool = False) -> Transfer:
        """Unless another driver has got further with it."""
        name, here = f"{self.name}/{CELLS}/{cell_id}", self.store.cell(cell_id)
        if not here.folder.is_dir():
            return Transfer()
        there = None if here.state.state == "done" else self.remote.manifest(name)
        if there and there.size(SAMPLES) > _size(here.samples_path):
            return Transfer()
        return self.remote.push(here.folder, name, dry_run)

    def event(self, event: Event) -> None:
        """Follow a run: a cell is put there when it ends, and now and then while it is sampled."""
        ended = event.kind in ("done", "failed")
        if ended or (event.kind == "progress" and time.monotonic() - self._pushed > SECONDS):
            self.push_cell(event.cell)
            self._pushed = time.monotonic()
            self._count_retries()

    def _count_retries(self) -> None:
        """For the report's footer, whatever ends the run."""
        before, self._counted = self._counted, store_retries()
        if self._counted > before or self.store.store_retries is None:
            self.store.add_store_retries(self._counted - before)

    def _push_top(self, dry_run: bool) -> Transfer:
        return self.remote.push(self.store.folder, f"{self.name}/top", dry_run, leave_out=CELLS)

    def _pull_cell(self, cell_id: str, dry_run: bool = False) -> Transfer | None:
        """A cell is taken whole, or, where this folder got further, left alone."""
        name, here = f"{self.name}/{CELLS}/{cell_id}", self.store.cell(cell_id)
        there = self.remote.manifest(name)
        if there is None or here.state.state == "done" or _size(here.samples_path) > there.size(SAMPLES):
            return None
        make_folder(here.folder)
        return self.remote.pull(name, here.folder, dry_run)


class Synced(NamedTuple):
    artefacts: int  # that are there now
    unfinished: int  # that stayed here
    moved: Transfer


def sync_cache(remote: Remote, dry_run: bool = False) -> Synced:
    """Put every finished artefact of this machine's cache there. What lies there comes here when a run asks for it."""
    folders = [entry.path for entry in cache_entries() if entry.kind == ARTEFACTS and entry.path.is_dir()]
    whole = [path for path in folders if any((path / mark).is_file() for mark in (MARKER, TRAINED))]
    moved = Transfer()
    for path in whole:
        moved = _sum(moved, remote.push(path, f"{ARTEFACTS}/{path.name}", dry_run))
    return Synced(len(whole), len(folders) - len(whole), moved)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _sum(one: Transfer, other: Transfer | None) -> Transfer:
    return Transfer(*map(sum, zip(one, other, strict=True))) if other else one
