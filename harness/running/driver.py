"""Drive a plan to its end: write it down, hand its cells to an executor, which skips finished stages, follow the events."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import os
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import tomli_w

from harness.errors import StageError, UsageError, hint
from harness.planning.cells import Cell, Plan
from harness.registry.plugins import PluginSet
from harness.running.executors import Event, Executor
from harness.store.files import write_bytes, write_derived, write_json, write_text
from harness.store.run import RunStore

PACKAGES = (
    "goodhart-harness", "torch", "transformers", "safetensors", "tokenizers", "numpy", "scipy", "optimum", "lm_eval",
)  # fmt: skip


class Follower(Protocol):
    """Is told what happens in a run: the screen, a store."""

    def event(self, event: Event) -> None: ...


def drive(
    plan: Plan,
    run: RunStore,
    executor: Executor,
    plugins: PluginSet,
    followers: Sequence[Follower],
    part: Sequence[Cell] | None = None,
    made: dict[str, Any] | None = None,
) -> dict[str, str]:
    """Run every cell of the plan, or of a part of it; finished stages are skipped. Returns states by cell id: "pending"
    cells were interrupted.

    Whatever ends it, each finished cell and each flushed batch stays in the run folder.
    """
    record(plan, run, made)
    plugins.notify("harness_run_start", run=run.folder, plan=plan)
    cells = {cell.id: cell for cell in (plan.cells if part is None else part)}
    states = dict.fromkeys(cells, "pending")
    try:
        for event in executor.run(cells.values()):
            cell = cells[event.cell]
            if event.kind == "started":
                plugins.notify("harness_cell_start", run=run.folder, cell=cell)
            elif event.kind == "retried":
                run.cell(event.cell).add_retry(event.error)
            elif event.kind in ("done", "failed"):
                states[event.cell] = event.kind
                if event.kind == "failed":
                    _remember_failure(run, event)
                plugins.notify(
                    "harness_cell_end", run=run.folder, cell=cell, state=event.kind, error=event.error or None
                )
            for follower in followers:
                follower.event(event)
    finally:
        plugins.notify("harness_run_end", run=run.folder, plan=plan, states=dict(states))
    return states


def _remember_failure(run: RunStore, event: Event) -> None:
    store = run.cell(event.cell)
    before = store.state
    with contextlib.suppress(StageError):  # the disk is full: the event has already said so
        store.set_state(before.model_copy(update={"state": "failed", "error": event.error}))


def record(plan: Plan, run: RunStore, made: dict[str, Any] | None = None) -> None:
    """plan.json, config.toml (re-running it repeats the run), env.json and every cell's cell.json. `made` is the machine and
    the command, by default these.

    An earlier plan whose cells are not all in this one is kept beside it, under its digest: their samples are still there.
    """
    if left_out(plan, run):
        before = run.plan_path.read_bytes()
        write_bytes(run.folder / f"plan-{hashlib.sha256(before).hexdigest()[:8]}.json", before)
    write_text(run.plan_path, plan.text)
    config = plan.experiment.model_dump(mode="json", exclude_none=True)
    write_text(run.folder / "config.toml", tomli_w.dumps(config))
    write_json(run.folder / "env.json", made or environment())
    for cell in plan.cells:
        write_derived(run.cell(cell.id).folder / "cell.json", cell.model_dump_json(indent=1) + "\n")


def superseded(plan: Plan, run: RunStore) -> list[str]:
    """Ids of stored cells that answered the very questions of a cell of this plan, for the same arm and seed, with other
    code, libraries, settings or weights. They stay as they are, and the plan's cell is sampled anew: never mixed."""
    wanted = {_question_frame(cell.model_dump(mode="json")) for cell in plan.cells}
    return [name for name, frame in left_out(plan, run).items() if frame in wanted]


def left_out(plan: Plan, run: RunStore) -> dict[str, tuple]:
    """Cells of the folder's plan that have samples and are not in this plan, each with what makes it what it is."""
    if not run.plan_path.is_file():
        return {}
    planned = {cell.id for cell in plan.cells}
    found = {}
    try:
        stored = run.read_plan()
    except UsageError as error:
        hint(f"{error.cause}; it is written anew")
        return {}
    for cell in stored.get("cells", []):
        with contextlib.suppress(KeyError, TypeError):  # a plan of another version
            if cell["id"] not in planned and run.cell(cell["id"]).samples_path.is_file():
                found[cell["id"]] = _question_frame(cell)
    return found


def _question_frame(cell: dict[str, Any]) -> tuple:
    """What makes two cells the same to a reader: model, arm, suite, seed and every prompt."""
    labels = (cell["trainer"]["label"], cell["compressor"]["label"], cell["suite"]["label"])
    return cell["model"]["name"], *labels, cell["seed"], cell["questions"]


def environment() -> dict[str, Any]:
    """Where the run was made, as far as it can matter for its numbers."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": platform.machine(),
        "cores": os.cpu_count(),
        "packages": versions,
        "command": command_line(),
    }


def command_line() -> str:
    """How this process was called, as a user would type it."""
    import shlex

    from harness.lm_eval.backends.redaction import redact_command

    program = Path(sys.argv[0]).name
    return shlex.join(["harness" if program in ("__main__.py", "harness") else program, *redact_command(sys.argv[1:])])
