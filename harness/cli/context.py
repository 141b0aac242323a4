"""What the verbs share: the plugins and presets that names are looked up in, and an experiment's options."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from harness.lm_eval.backends.arguments import merge_arguments
from harness.planning.experiment import (
    SUITE_FLAGS,
    Experiment,
    experiment_from,
    parse_overrides,
    parse_seeds,
    read_experiment_file,
    split_names,
)
from harness.registry import Catalogue, PluginSet, load_catalogue, load_plugins

PROJECT_REGISTRY = Path("registry.toml")


@dataclass(frozen=True)
class GlobalOptions:
    plugins_dirs: tuple[Path, ...] = ()
    registries: tuple[Path, ...] = ()
    disabled: tuple[str, ...] = ()

    @cached_property
    def plugins(self) -> PluginSet:
        """Found once. A broken plugin is one line on stderr; only selecting what it owns is an error."""
        found = load_plugins(self.plugins_dirs, self.disabled)
        for status in found.broken:
            Console(stderr=True).print(f"plugin {status.name} is broken: {status.error}", style="yellow", markup=False)
        return found

    @property
    def project_registries(self) -> tuple[Path, ...]:
        """The working folder's own registry.toml, unless it is one that a plugin brought, then those of --registry."""
        brought = {path.resolve() for path, _ in self.plugins.registry_files}
        own = PROJECT_REGISTRY.resolve()
        return (*((own,) if own.is_file() and own not in brought else ()), *self.registries)

    @cached_property
    def catalogue(self) -> Catalogue:
        return load_catalogue(self.plugins, self.project_registries)


def global_options(context: typer.Context) -> GlobalOptions:
    return context.obj or GlobalOptions()


def make_experiment(files: list[str], options: dict[str, Any]) -> Experiment:
    """Experiment files, then the options that were given: later ones win."""
    layers = []
    for file in files:
        if not file.startswith("@") and not file.endswith(".toml"):
            raise typer.BadParameter(
                f"unexpected argument {file!r}; an experiment file ends in .toml or is written @{file}"
            )
        layers.append(read_experiment_file(Path(file.removeprefix("@"))))
    given = {key: value for key, value in options.items() if value not in (None, [], ())}
    for key in ("model", "trainer", "compressor", "tasks", "detectors"):
        if key in given:
            given[key] = split_names(",".join(given[key]))
    if "seeds" in given:
        given["seeds"] = parse_seeds(given["seeds"])
    flags = {flag: given.pop(flag) for flag in SUITE_FLAGS if flag in given}
    if flags:
        given["suite_flags"] = flags
    if "backend_args" in given:
        given["backend_args"] = merge_arguments(given["backend_args"])
    if "params" in given:
        given["params"] = parse_overrides(given["params"])
    return experiment_from(*layers, given)
