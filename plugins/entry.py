"""The built-ins' entry point, found as any package's is: specs as data, nothing heavy imported."""

from __future__ import annotations

from pathlib import Path

import typer

from harness.contract import CompressorSpec, DetectorSpec, TaskSuiteSpec, TrainerSpec
from harness.contract.hooks import hookimpl
from harness_plugins.compressors import SPECS as COMPRESSORS
from harness_plugins.detectors import SPECS as DETECTORS
from harness_plugins.tasks import SPECS as TASKS
from harness_plugins.trainers import SPECS as TRAINERS


@hookimpl
def harness_register_compressors() -> list[CompressorSpec]:
    return list(COMPRESSORS)


@hookimpl
def harness_register_task_suites() -> list[TaskSuiteSpec]:
    return list(TASKS)


@hookimpl
def harness_register_trainers() -> list[TrainerSpec]:
    return list(TRAINERS)


@hookimpl
def harness_register_detectors() -> list[DetectorSpec]:
    return list(DETECTORS)


@hookimpl
def harness_register_commands(cli: typer.Typer) -> None:
    from harness_plugins.trainers.probe.command import probe

    cli.command("probe")(probe)


@hookimpl
def harness_registry_files() -> list[Path]:
    return [Path(__file__).with_name("registry.toml")]
