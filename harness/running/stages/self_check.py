"""A suite's proof of its graders: made once per code, kept in the cache, and stored with every cell that relies on it."""

from __future__ import annotations

import contextlib
import platform
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from harness.contract import Check, Record, Spec, TaskSuite
from harness.errors import StageError
from harness.store.files import write_json
from harness.store.hashing import key_of, params_files
from harness.store.paths import cache_folder
from harness.store.run import CellStore

if TYPE_CHECKING:
    from harness.planning.cells import Cell
    from harness.registry.catalogue import Component


class Proof(Record):
    """What a self-check came to."""

    checks: int
    failures: tuple[Check, ...] = ()
    notes: tuple[str, ...] = ()


_PROOFS: dict[str, Proof] = {}  # by key: one serves all cells of this process


def require_self_check(cell: Cell, suite: TaskSuite, spec: Spec, store: CellStore) -> None:
    """Store the proof of the suite's graders with the cell. Raises StageError when a known answer is misjudged.

    A proof that holds is not made again for the same code, parameters, files and Python. Where programs run in a sandbox
    it is, by every process, since it says that this machine's sandbox works as well.
    """
    key = _key(cell.suite)
    path = cache_folder() / "self-checks" / f"{key[:32]}.json"
    lasting = "sandbox" not in spec.needs
    proof = _PROOFS.get(key) or (_read(path) if lasting else None)
    if proof is None:
        check = suite.self_check()
        proof = Proof(checks=len(check.checks), failures=check.failures, notes=check.notes)
        if lasting and not proof.failures:
            with contextlib.suppress(StageError):  # a cache that cannot be written to costs the next run its time
                write_json(path, proof.model_dump(mode="json"))
    _PROOFS[key] = proof
    label = cell.suite.label
    write_json(store.folder / "self_check.json", {"suite": label, **proof.model_dump(mode="json")})
    if proof.failures:
        first = proof.failures[0]
        raise StageError(
            f"{label} fails its own check on {len(proof.failures)} of {proof.checks} answers and does not report; "
            f"the first: {first.name}: expected {first.expected}, got {first.got}"
        )


def _key(suite: Component) -> str:
    files = dict(params_files(suite.params))
    return key_of({"self-check": suite.identity, "files": files, "python": platform.python_version()})


def _read(path: Path) -> Proof | None:
    """None where there is no proof yet, or a damaged one."""
    try:
        return Proof.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
