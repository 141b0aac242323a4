"""Names -> components. A catalogue joins the plugins' specs with the presets of every registry.toml, and resolves what a
user typed into a plugin, its parameters and its provenance, without importing the code behind it.

The grammar: `name`, `name@value` (sets the parameter that the preset declares as `at`), `name:value` (… as `colon`),
`name/value` (… as `slash`). A value may itself be a name (`uniform@budget@2.5`). There is no special case for any kind,
plugin or model.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import JsonValue, PydanticUserError, ValidationError

from harness.contract import Spec, TrainerSpec
from harness.errors import PluginError, UsageError, hint
from harness.registry.column_maps import ColumnMap
from harness.registry.component import NONE, Component, build, library_versions, require
from harness.registry.plugins import PluginSet, PluginStatus
from harness.registry.presets import Model, Preset, RegistryFile, read_presets, read_registry_file
from harness.store.code import code_digest

SINGULAR = {"compressors": "compressor", "tasks": "task suite", "trainers": "trainer", "detectors": "detector"}


class Catalogue:
    """Every name that can be selected, and what stands behind it."""

    def __init__(self, plugins: PluginSet, files: Iterable[RegistryFile]) -> None:
        self.plugins = plugins
        self.files = sorted(files, key=lambda file: file.precedence)

    def with_presets(self, tables: Mapping[str, Mapping[str, Mapping[str, JsonValue]]], where: str) -> Catalogue:
        """This catalogue plus an experiment's own presets (heading -> name -> table), which take precedence."""
        if not tables:
            return self
        precedence = 1 + max((file.precedence for file in self.files), default=-1)
        presets = read_presets(tables, where, where, precedence)
        return Catalogue(
            self.plugins, [*self.files, RegistryFile(path=where, precedence=precedence, presets=presets, models={})]
        )

    # ------------------------------------------------------------------------------------------------------------ names

    @cached_property
    def presets(self) -> dict[str, dict[str, list[Preset]]]:
        """kind -> name -> the presets of the highest precedence that declares it; more than one is a conflict."""
        merged: dict[str, dict[str, list[Preset]]] = {kind: {} for kind in SINGULAR}
        for kind, specs in self.plugins.specs.items():
            for name in specs:
                merged[kind][name] = [Preset(name=name, plugin=name, origin="plugin", precedence=-1)]
        for file in self.files:
            for kind, presets in file.presets.items():
                for name, preset in presets.items():
                    known = merged[kind].get(name, [])
                    same = [other for other in known if other.precedence == preset.precedence]
                    merged[kind][name] = [*same, preset]
        for kind in ("compressors", "trainers"):
            merged[kind][NONE] = [Preset(name=NONE, plugin=NONE, origin="core", summary="the untouched model")]
        return merged

    @cached_property
    def models(self) -> dict[str, Model]:
        return {name: model for file in self.files for name, model in file.models.items()}

    @cached_property
    def maps(self) -> dict[str, ColumnMap]:
        """What columns of labelled files mean, by name."""
        return {name: found for file in self.files for name, found in file.maps.items()}

    @cached_property
    def default_model(self) -> str | None:
        return next((file.default_model for file in reversed(self.files) if file.default_model), None)

    def preset(self, kind: str, name: str) -> Preset:
        found = self.presets[kind].get(name, [])
        if not found:
            raise UsageError(f"unknown {SINGULAR[kind]} {name!r}", self._suggestion(name, self.presets[kind]))
        if len(found) > 1:
            raise PluginError(f"{name!r} is declared twice", " and ".join(preset.origin for preset in found))
        return found[0]

    def spec(self, kind: str, plugin: str) -> tuple[Spec, PluginStatus]:
        owners = self.plugins.specs[kind].get(plugin, [])
        if not owners:
            raise PluginError(
                f"no {SINGULAR[kind]} plugin {plugin!r}", self._suggestion(plugin, self.plugins.specs[kind])
            )
        if len(owners) > 1:
            names = " and ".join(f"{status.name} ({status.distribution})" for _, status in owners)
            raise PluginError(
                f"two plugins register the {SINGULAR[kind]} {plugin!r}: {names}", "disable one with -p no:NAME"
            )
        return owners[0]

    def _suggestion(self, name: str, known: Iterable[str]) -> str:
        names = sorted(known)
        near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
        hint = f"did you mean {', '.join(near)}?" if near else f"known: {', '.join(names) or 'none'}"
        causes = [f"plugin {status.name} is broken: {status.error}" for status in self.plugins.broken]
        return "; ".join([hint, *causes])

    # -------------------------------------------------------------------------------------------------------- resolving

    def resolve(
        self,
        kind: str,
        label: str,
        overrides: Mapping[str, JsonValue] | None = None,
        model: str | None = None,
        others: Mapping[str, Mapping[str, JsonValue]] | None = None,
    ) -> Component:
        """What was typed -> a component with validated parameters. A model entry may set parameters that no preset
        sets. `others` holds overrides by label for a component that this one names.

        Raises UsageError for an unknown name, a suffix that the preset does not take or a bad parameter, and PluginError
        for a broken plugin, a conflict of names or a missing dependency.
        """
        name, given = self._parse(kind, label)
        preset = self.preset(kind, name)
        if preset.plugin == NONE:
            return Component(kind=kind, label=label, preset=NONE, plugin=NONE, target="", params={})
        spec, status = self.spec(kind, preset.plugin)
        require(spec, label)
        entry = self.models.get(model or "")
        suited = entry.suites.get(spec.name, {}) if entry else {}
        params = self._params(spec, label, {**suited, **preset.params, **given, **(overrides or {})})
        return Component(
            kind=kind,
            label=label,
            preset=name,
            plugin=spec.name,
            target=spec.target,
            params=params,
            distribution=status.distribution,
            version=status.version,
            source=code_digest(spec.target),
            libraries=library_versions(spec),
            base=preset.base,
            control=preset.control,
            treatment=self._treatment(spec, label, params, others or {}),
            deployment=spec.deployment if isinstance(spec, TrainerSpec) else frozenset(),
        )

    def arms(
        self, kind: str, label: str, overrides: Mapping[str, Mapping[str, JsonValue]] | None = None
    ) -> list[Component]:
        """Like `resolve`, but one component for each value that the preset draws, unless -P has chosen one. `overrides`
        is by label."""
        own = (overrides or {}).get(label, {})
        preset = self.preset(kind, self._parse(kind, label)[0])
        drawn = [(name, value) for name, values in preset.draws.items() for value in values if name not in own]
        if not drawn:
            return [self.resolve(kind, label, own, others=overrides)]
        return [
            self.resolve(kind, label, {**own, name: value}, others=overrides).model_copy(
                update={"label": f"{label}#{value}", "draw_of": label}
            )
            for name, value in drawn
        ]

    def _treatment(
        self,
        spec: Spec,
        label: str,
        params: Mapping[str, JsonValue],
        others: Mapping[str, Mapping[str, JsonValue]],
    ) -> Component | None:
        """The component named by the parameter that the spec declares for it."""
        if spec.treatment is None:
            return None
        name = str(params[spec.treatment])
        found = self.resolve(spec.kind, name, others.get(name), others=others)
        if found.untouched:
            raise UsageError(f"{label}: {name} changes nothing, so nothing can be a control of it")
        return found

    def _parse(self, kind: str, label: str) -> tuple[str, dict[str, JsonValue]]:
        """Split a label at the first mark whose left side is a name that takes it: (preset name, parameters it sets)."""
        if label in self.presets[kind]:
            return label, {}
        for mark, attribute in (("/", "slash"), (":", "colon"), ("@", "at")):
            name, found, value = label.partition(mark)
            if found and name in self.presets[kind]:
                parameter = getattr(self.preset(kind, name), attribute)
                if parameter is None:
                    raise UsageError(f"{name!r} takes no {mark!r} suffix", f"{label!r} should be {name!r}")
                return name, {parameter: value}
        return label, {}

    def stored_params(self, component: Component) -> dict[str, JsonValue]:
        """A component's parameters by today's names, whichever version stored them."""
        spec, _ = self.spec(component.kind, component.plugin)
        return spec.params.model_validate(spec.params.completed(component.params)).model_dump(mode="json")

    def _params(self, spec: Spec, label: str, values: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        for former, name in spec.params.former_names.items():
            if former in values:
                raise UsageError(f"{label}.{former} is now called {label}.{name}")
        for name, choices in spec.params.former_values.items():
            if choice := choices.get(str(values.get(name))):
                hint(f"{name} {values[name]!r} of {label} is now called {choice!r}")
        try:
            return spec.params.model_validate(dict(values)).model_dump(mode="json")
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "parameters"
            known = ", ".join(spec.params.model_fields)
            raise UsageError(
                f"{label}.{where}: {first['msg']}", f"parameters of {spec.name}: {known or 'none'}"
            ) from None
        except (PydanticUserError, NameError) as error:  # pydantic builds a class of parameters at its first use
            cause = " ".join(str(error).split())
            raise PluginError(f"{label}: the parameters of {spec.name} are broken: {cause}") from error

    def plugin_of(self, kind: str, label: str) -> str:
        return self.preset_of(kind, label).plugin

    def knows(self, kind: str, label: str) -> bool:
        return self._parse(kind, label)[0] in self.presets[kind]

    def preset_of(self, kind: str, label: str) -> Preset:
        return self.preset(kind, self._parse(kind, label)[0])

    def parameters(self, kind: str, label: str) -> set[str]:
        """The parameters of the plugin behind a label."""
        plugin = self.plugin_of(kind, label)
        return set() if plugin == NONE else set(self.spec(kind, plugin)[0].params.model_fields)

    def build(self, component: Component) -> Any:
        """Build a component, and first its treatment if it is a control."""
        treatment = (self.build(component.treatment),) if component.treatment else ()
        return build(component, self.spec(component.kind, component.plugin)[0], *treatment)

    def accepts(self, component: Component, parameter: str) -> bool:
        """Whether the plugin behind a component has that parameter."""
        if component.untouched:
            return False
        return parameter in self.spec(component.kind, component.plugin)[0].params.model_fields


def load_catalogue(plugins: PluginSet, project: Iterable[Path] = ()) -> Catalogue:
    """Registry files of the plugins and of the project (later ones win over earlier ones, never over an equal)."""
    files = [file for file, _ in plugins.registry_files]
    for number, path in enumerate(project):
        files.append(read_registry_file(path, origin=str(path), precedence=2 + number))
    return Catalogue(plugins, files)
