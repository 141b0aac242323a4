"""What the verbs share: the plugins and presets that names are looked up in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from harness.registry.catalogue import Catalogue
    from harness.registry.plugins import PluginSet

PROJECT_REGISTRY = Path("registry.toml")


@dataclass(frozen=True)
class GlobalOptions:
    plugins_dirs: tuple[Path, ...] = ()
    registries: tuple[Path, ...] = ()
    disabled: tuple[str, ...] = ()

    @cached_property
    def plugins(self) -> PluginSet:
        """Loaded once. A broken plugin is one line on stderr; only selecting one of its names is an error."""
        from harness.cli.console import stderr_console
        from harness.registry.plugins import load_plugins

        found = load_plugins(self.plugins_dirs, self.disabled)
        for status in found.broken:
            stderr_console().print(f"plugin {status.name} is broken: {status.error}", style="yellow", markup=False)
        return found

    @property
    def project_registries(self) -> tuple[Path, ...]:
        """The working folder's own registry.toml, unless it is one that a plugin brought, then those of --registry."""
        brought = {Path(file.path).resolve() for file, _ in self.plugins.registry_files}
        own = PROJECT_REGISTRY.resolve()
        return (*((own,) if own.is_file() and own not in brought else ()), *self.registries)

    @cached_property
    def catalogue(self) -> Catalogue:
        from harness.registry.catalogue import load_catalogue

        return load_catalogue(self.plugins, self.project_registries)


def global_options(context: typer.Context) -> GlobalOptions:
    return context.obj or GlobalOptions()
