"""A suite's check of its graders: run once per code, kept in the cache, and stored with every cell that relies on it."""

from __future__ import annotations

import contextlib
import platform
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from harness.contract import SelfCheck, Spec, TaskSuite
from harness.contract.records import checked
from harness.errors import StageError
from harness.registry.component import blamed
from harness.store.files import read_json, write_json
from harness.store.hashing import key_of, params_files
from harness.store.paths import cache_folder
from harness.store.run import CellStore, CheckSummary

if TYPE_CHECKING:
    from harness.planning.cells import Cell
    from harness.registry.component import Component


_SUMMARIES: dict[str, CheckSummary] = {}  # by key: one check serves all cells of this process


def require_self_check(cell: Cell, suite: TaskSuite, spec: Spec, store: CellStore) -> None:
    """Check the suite's graders and store the result with the cell. Raises StageError when a known answer is misjudged.

    A check that passed is not run again for the same code, parameters, files and Python. A suite that runs programs in a
    sandbox is checked by every process, since its check also says that this machine's sandbox works.
    """
    key = _key(cell.suite)
    path = cache_folder() / "self-checks" / f"{key[:32]}.json"
    kept = "sandbox" not in spec.needs and not cell.suite.params.get("sandbox")
    summary = _SUMMARIES.get(key) or (_read(path) if kept else None)
    if summary is None:
        with blamed(f"self_check() of {cell.suite.label}"):
            check = checked(SelfCheck, suite.self_check(), "it")
        summary = CheckSummary(
            checks=len(check.checks), failures=check.failures, notes=check.notes, controls=check.controls
        )
        if kept and not summary.failures:
            with contextlib.suppress(StageError):  # a cache that cannot be written to costs the next run its time
                write_json(path, summary.model_dump(mode="json"))
    _SUMMARIES[key] = summary
    label = cell.suite.label
    write_json(store.folder / "self_check.json", {**summary.model_dump(mode="json"), "suite": label})
    if summary.failures:
        first = summary.failures[0]
        raise StageError(
            f"{label} fails its own check on {len(summary.failures)} of {summary.checks} answers and does not report; "
            f"the first: {first.name}: expected {first.expected}, got {first.got}"
        )


def _key(suite: Component) -> str:
    code = [suite.plugin, suite.source, suite.params, suite.libraries]
    files = dict(params_files(suite.params))
    return key_of({"self-check": code, "files": files, "python": platform.python_version()})


def _read(path: Path) -> CheckSummary | None:
    """None if there is no result yet, or a damaged one."""
    try:
        return CheckSummary.model_validate(read_json(path))
    except (StageError, ValidationError):
        return None
