"""Run folders of one plan, made apart (`--shard`), become one by copying their cells."""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from harness.errors import UsageError
from harness.planning.cells import Plan
from harness.running.driver import record
from harness.store.files import make_folder, read_json, write_bytes, write_json, writing
from harness.store.labels import NAME as LABELS
from harness.store.run import RunStore


class Merged(NamedTuple):
    copied: list[str]  # ids of cells that were not there before
    missing: list[str]  # ids of planned cells that no folder has finished


def merge(sources: Sequence[RunStore], into: RunStore) -> Merged:
    """Copy every cell of the sources that `into` lacks. Raises UsageError, with nothing copied, for folders of other
    plans and for two folders that hold different replies of one cell.

    A cell appears under its name when it is whole, so a merge that was killed goes on by the same command.
    """
    plan = _common_plan(sources)
    if into.plan_path.is_file() and _difference(plan, Plan.of(into)):
        raise UsageError(f"{into.folder} holds another plan", "merge into a new folder: --out FOLDER")
    holders = {cell.id: _holder(cell.id, [into, *sources]) for cell in plan.cells}
    copied = []
    for cell_id, holder in holders.items():
        if holder and holder is not into:
            _copy(holder.cell(cell_id).folder, into.cell(cell_id).folder)
            copied.append(cell_id)
    _merge_labels(sources, into)
    environments = {source.folder.name: read_json(source.folder / "env.json") for source in sources}
    write_json(into.folder / "merged.json", environments)
    record(plan, into, made=environments[sources[0].folder.name])
    missing = [cell.id for cell in plan.cells if into.cell(cell.id).state.state != "done"]
    return Merged(copied, missing)


def _common_plan(sources: Sequence[RunStore]) -> Plan:
    first, *others = sources
    plan = Plan.of(first)
    for other in others:
        if what := _difference(plan, Plan.of(other)):
            raise UsageError(
                f"{other.folder} is not of the plan of {first.folder}: {what}",
                "shards are runs of one command with the same code, libraries and kind of device",
            )
    return plan


def _difference(one: Plan, other: Plan) -> str:
    """The first thing in which two plans differ; empty if they are the same work."""
    mine, theirs = ({cell.id: cell for cell in plan.cells} for plan in (one, other))
    for cell_id in {**mine, **theirs}:
        if cell_id not in mine or cell_id not in theirs:
            return f"cell {cell_id} is in one of them alone"
        if mine[cell_id] != theirs[cell_id]:
            return f"cell {cell_id} has other keys or settings"
    return "" if one.contrasts == other.contrasts else "they contrast other cells"


def _holder(cell_id: str, stores: Sequence[RunStore]) -> RunStore | None:
    """Whose copy of a cell counts: the first that is done, or else the one that got furthest."""
    having = [store for store in stores if store.cell(cell_id).samples_path.is_file()]
    done = [store for store in having if store.cell(cell_id).state.state == "done"]
    for store in done[1:]:
        if _replies(store, cell_id) != _replies(done[0], cell_id):
            raise UsageError(
                f"{done[0].folder} and {store.folder} hold different replies of {cell_id}",
                "leave one of the two out",
            )
    return done[0] if done else max(having, key=lambda store: len(store.cell(cell_id).samples()), default=None)


def _replies(store: RunStore, cell_id: str) -> str:
    """A digest of what was answered, not of how long it took."""
    rows = [row.model_dump(mode="json", exclude={"seconds", "sitting"}) for row in store.cell(cell_id).samples()]
    rows.sort(key=lambda row: (row["item"], row["role"], row["repeat"]))
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def _copy(source: Path, target: Path) -> None:
    make_folder(target.parent)
    partial = target.with_name(f".{target.name[:80]}.{secrets.token_hex(6)}")
    try:
        with writing(partial):
            shutil.copytree(source, partial)
        shutil.rmtree(target, ignore_errors=True)  # of a merge or run that got less far
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _merge_labels(sources: Sequence[RunStore], into: RunStore) -> None:
    """Every answer once, in the order of the folders."""
    files = [store.folder / LABELS for store in (into, *sources)]
    lines = dict.fromkeys(
        line for file in files if file.is_file() for line in file.read_bytes().splitlines(keepends=True)
    )
    if lines:
        write_bytes(into.folder / LABELS, b"".join(lines))
