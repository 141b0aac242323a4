"""What a cluster runs on one of its nodes: a group of cells under a local worker, in a scratch folder whose changes are
streamed back. Nothing of a cluster's library is imported here."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from harness.errors import StageError
from harness.planning.cells import Cell
from harness.running.executors import Event
from harness.running.executors.changes import Change, Outbox
from harness.running.executors.local import LocalExecutor
from harness.running.executors.messages import WorkerSetup
from harness.store.code import arithmetic_versions, code_digest
from harness.store.hashing import key_of
from harness.store.remote import STORE


@cache
def fingerprint() -> str:
    """Of the code and libraries that would make the results here. Cells of a plan that was made with others are refused."""
    return key_of([arithmetic_versions(), code_digest("harness.running.cell")])


def carry_out(
    setup: WorkerSetup, cells: Sequence[Cell], files: Mapping[str, bytes], silence: float, planned: str, store: str
) -> Iterator[tuple[Event, list[Change]]]:
    """Run the cells to their ends. `files` is what the run folder holds of them, `planned` the driver's fingerprint,
    `store` the URL of a shared store or "".

    Raises StageError if this node cannot run any of them.
    """
    _refuse(setup, cells, planned)
    if store:
        os.environ[STORE] = store
    with tempfile.TemporaryDirectory(prefix="harness-") as scratch:
        outbox = Outbox(Path(scratch))
        outbox.place(files)
        for event in LocalExecutor(setup.model_copy(update={"run": scratch}), 1, silence).run(cells):
            told = event.model_copy(update={"error": event.error.replace(scratch, setup.run)})
            yield told, outbox.changes()


def _refuse(setup: WorkerSetup, cells: Sequence[Cell], planned: str) -> None:
    if fingerprint() != planned:
        raise StageError(
            "the node has other code or libraries than the machine that planned",
            "install the same versions of goodhart-harness, torch, transformers and tokenizers on both",
        )
    needed = [*setup.plugins_dirs, *setup.registries, *(cell.model.path for cell in cells if cell.model.path)]
    if missing := [path for path in needed if not Path(path).exists()]:
        raise StageError(f"the node has no {missing[0]}", "put it on a disk that all nodes share, at the same path")
