"""Where names come from: plugins and registries, loaded once for whoever asks."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from harness.errors import shown
from harness.registry.catalogue import Catalogue, load_catalogue
from harness.registry.plugins import PluginSet, load_plugins

PROJECT_REGISTRY = Path("registry.toml")


@dataclass(frozen=True)
class NameSources:
    plugins_dirs: tuple[Path, ...] = ()  # folders whose *.py files are plugins
    registries: tuple[Path, ...] = ()  # besides the working folder's registry.toml
    disabled: tuple[str, ...] = ()  # plugins that are left out
    requested: tuple[str, ...] = ()  # plugins that are loaded only where they are named

    @cached_property
    def plugins(self) -> PluginSet:
        """Loaded once. A broken plugin is one line on stderr; only selecting one of its names is an error."""
        found = load_plugins(self.plugins_dirs, self.disabled, self.requested)
        for status in found.broken:
            print(shown(f"plugin {status.name} is broken: {status.error}"), file=sys.stderr)
        return found

    @property
    def project_registries(self) -> tuple[Path, ...]:
        """The working folder's own registry.toml, unless it is one that a plugin brought, then those of `registries`."""
        brought = {Path(file.path).resolve() for file, _ in self.plugins.registry_files}
        own = PROJECT_REGISTRY.resolve()
        return (*((own,) if own.is_file() and own not in brought else ()), *self.registries)

    @cached_property
    def catalogue(self) -> Catalogue:
        return load_catalogue(self.plugins, self.project_registries)
