"""Names that two plugins want: who has them, and who gets nothing."""

from __future__ import annotations

from collections.abc import Iterator

from harness.contract import Record
from harness.registry.plugins import PluginSet


class Conflict(Record):
    """A name that more than one plugin registers. `owners` are the plugins' names."""

    name: str
    owners: tuple[str, ...]
    outcome: str  # what happens with it, as a sentence's end

    def __str__(self) -> str:
        return f"{self.name!r} is registered by {' and '.join(self.owners)}{self.outcome}"


def conflicts(plugins: PluginSet) -> list[Conflict]:
    return [*_specs(plugins), *_hidden(plugins), *_replaced(plugins), *_presets(plugins)]


def _specs(plugins: PluginSet) -> Iterator[Conflict]:
    for specs in plugins.specs.values():
        for name, owners in specs.items():
            if len(owners) > 1:
                yield Conflict(name=name, owners=tuple(status.name for _, status in owners), outcome="")


def _hidden(plugins: PluginSet) -> Iterator[Conflict]:
    """A spec whose name is a preset for another plugin: the preset is what the name selects."""
    for kind, specs in plugins.specs.items():
        for name, owners in specs.items():
            for file, preset_owner in plugins.registry_files:
                preset = file.presets[kind].get(name)
                if preset is not None and preset.plugin != name:
                    both = (*(status.name for _, status in owners), preset_owner.name)
                    outcome = f", and selects the latter's preset for {preset.plugin}"
                    yield Conflict(name=name, owners=both, outcome=outcome)


def _replaced(plugins: PluginSet) -> Iterator[Conflict]:
    """Models and maps, of which the last one declared is taken."""
    for kind in ("model", "map"):
        brought = [
            (file.precedence, owner.name, set(file.models if kind == "model" else file.maps))
            for file, owner in plugins.registry_files
        ]
        for name in sorted(set().union(*(names for _, _, names in brought))):
            found = [(precedence, owner) for precedence, owner, names in brought if name in names]
            owners = tuple(owner for _, owner in sorted(found, key=lambda one: one[0]))
            if len(owners) > 1:
                yield Conflict(name=name, owners=owners, outcome=f" as a {kind}, and is that of {owners[-1]}")


def _presets(plugins: PluginSet) -> Iterator[Conflict]:
    for kind in plugins.specs:
        names = {name for file, _ in plugins.registry_files for name in file.presets[kind]}
        for name in sorted(names):
            found = [
                (file.precedence, owner.name) for file, owner in plugins.registry_files if name in file.presets[kind]
            ]
            highest = [owner for precedence, owner in found if precedence == max(found)[0]]
            if len(highest) > 1:
                yield Conflict(name=name, owners=tuple(highest), outcome=" as a preset, and cannot be selected")
