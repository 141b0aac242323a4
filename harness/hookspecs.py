"""The pluggy hooks. A plugin is a module (or object) whose functions carry `@harness.hookimpl`; it is found through the
entry-point group `harness`, or as a `*.py` file in a `--plugins-dir`.

Every hook is called once per plugin and on its own, so that one plugin's error cannot discard another's results: a failing
registration hook makes its plugin "broken" in `harness plugins`, a failing lifecycle hook is counted and shown. A hookimpl
may take fewer arguments than its specification. Hooks run in the order in which plugins were found: built-ins, entry
points by name, then files of `--plugins-dir` by name.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy
from pydantic import JsonValue

from harness.contract import CompressorSpec, DetectorSpec, Reply, TaskSuiteSpec, TrainerSpec

if TYPE_CHECKING:
    import typer

    from harness.contract.lifecycle import PlannedCell, RunPlan
    from harness.sandbox import Provider

hookspec = pluggy.HookspecMarker("harness")


# -------------------------------------------------------------------------------------------- registration (every start)


@hookspec
def harness_register_compressors() -> list[CompressorSpec]:
    """The compressors that this plugin brings. Return data: the code behind `target` is imported when
    a plan or a cell first needs it, never by listing."""
    raise NotImplementedError


@hookspec
def harness_register_task_suites() -> list[TaskSuiteSpec]:
    """The task suites that this plugin brings."""
    raise NotImplementedError


@hookspec
def harness_register_trainers() -> list[TrainerSpec]:
    """The trainers that this plugin brings."""
    raise NotImplementedError


@hookspec
def harness_register_detectors() -> list[DetectorSpec]:
    """The detectors that this plugin brings."""
    raise NotImplementedError


@hookspec
def harness_registry_files() -> list[Path]:
    """Paths of registry.toml files with this plugin's presets and models."""
    raise NotImplementedError


@hookspec
def harness_register_commands(cli: typer.Typer) -> None:
    """Add verbs to the command line: `@cli.command() def probe(...)`. Import heavy modules inside the verb."""


@hookspec
def harness_register_sandboxes() -> list[Provider]:
    """Further places where generated code can run (a container, a remote service), selected by `--sandbox NAME`."""
    raise NotImplementedError


@hookspec
def harness_register_executors() -> dict[str, str]:
    """Executors by name, each the "module:attribute" of a class that is an `harness.running.executors.Executor`."""
    raise NotImplementedError


# ------------------------------------------------------------------------------------------------------------- lifecycle


@hookspec
def harness_run_start(run: Path, plan: RunPlan) -> None:
    """In the driver, after the plan was written to the run folder and before the first cell."""


@hookspec
def harness_run_end(run: Path, plan: RunPlan, states: dict[str, str]) -> None:
    """In the driver, after the last cell; `states` maps cell ids to "done", "failed" or "pending"."""


@hookspec
def harness_cell_start(run: Path, cell: PlannedCell) -> None:
    """In the driver, when a worker takes up the cell."""


@hookspec
def harness_cell_end(run: Path, cell: PlannedCell, state: str, error: str | None) -> None:
    """In the driver, when the cell is scored or has failed."""


@hookspec
def harness_sample(cell: PlannedCell, item: str, role: str, repeat: int, reply: Reply) -> None:
    """In the worker, after the reply was written to the store."""


@hookspec
def harness_training_row(run: Path, cell: PlannedCell, row: dict[str, JsonValue]) -> None:
    """In the worker, after a training step's row of metrics was written to the cell's training.jsonl."""


@hookspec
def harness_report_sections(run: Path, plan: RunPlan) -> list[tuple[str, str]]:
    """Sections (title, Markdown) to append to the report."""
    raise NotImplementedError


REGISTRATION: dict[str, Any] = {
    "compressors": ("harness_register_compressors", CompressorSpec),
    "tasks": ("harness_register_task_suites", TaskSuiteSpec),
    "trainers": ("harness_register_trainers", TrainerSpec),
    "detectors": ("harness_register_detectors", DetectorSpec),
}
