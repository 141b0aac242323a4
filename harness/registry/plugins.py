"""Find plugins and register each by itself, so that a broken one becomes a row with its cause and does not stop the
CLI."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import os
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pluggy

from harness import hookspecs
from harness.contract import Record, Spec
from harness.errors import PluginError, UsageError, described
from harness.registry.plugin_files import load_file, own_target, stdout_to_stderr
from harness.registry.presets import RegistryFile, fault_of_name, read_registry_file

GROUP = "harness"
ON_REQUEST = "harness.on_request"
EXECUTORS = {
    "local": "harness.running.executors.local:LocalExecutor",
    "ray": "harness.running.executors.ray_executor:RayExecutor",
}


class PluginStatus(Record):
    """One row of `harness plugins`."""

    name: str
    distribution: str
    version: str
    hooks: tuple[str, ...] = ()
    error: str | None = None  # one line: why nothing of this plugin can be used
    trace: str = ""

    @property
    def state(self) -> str:
        return "broken" if self.error else "ok"


class PluginSet:
    """The plugins that were found. `specs[kind][name]` lists every owner: more than one is a conflict."""

    def __init__(self) -> None:
        self.manager = pluggy.PluginManager("harness")
        self.manager.add_hookspecs(hookspecs)
        self.statuses: list[PluginStatus] = []
        self.specs: dict[str, dict[str, list[tuple[Spec, PluginStatus]]]] = {
            kind: {} for kind in hookspecs.REGISTRATION
        }
        self.registry_files: list[tuple[RegistryFile, PluginStatus]] = []
        self.hook_errors: list[str] = []  # failures of lifecycle hooks, shown in the report's footer

    @property
    def broken(self) -> list[PluginStatus]:
        return [status for status in self.statuses if status.error]

    def call_each(self, hook: str, **arguments: Any) -> Iterator[tuple[str, Any]]:
        """Call one hook plugin by plugin: (plugin name, result). A raising plugin is recorded, the others go on."""
        for name, plugin in self.manager.list_name_plugin():
            if plugin is None or not hasattr(plugin, hook):
                continue
            others = [other for _, other in self.manager.list_name_plugin() if other is not plugin]
            caller = self.manager.subset_hook_caller(hook, remove_plugins=others)
            try:
                with stdout_to_stderr():
                    results = caller(**arguments)
            except Exception as error:
                self.hook_errors.append(f"{name}.{hook}: {described(error)}")
                continue
            for result in results:
                yield name, result

    def notify(self, hook: str, **arguments: Any) -> None:
        """Call a lifecycle hook for its effect."""
        for _ in self.call_each(hook, **arguments):
            pass

    def report_sections(self, run: Path, plan: Any) -> list[tuple[str, str]]:
        """Every plugin's sections; one that returns anything but a list of (title, text) pairs is recorded."""
        kept: list[tuple[str, str]] = []
        for name, found in self.call_each("harness_report_sections", run=run, plan=plan):
            if isinstance(found, list | tuple) and all(_is_section(section) for section in found):
                kept.extend((title, text) for title, text in found)
            else:
                self.hook_errors.append(
                    f"{name}.harness_report_sections: returned {found!r:.80}, not (title, Markdown)"
                )
        return kept

    def register_sandboxes(self) -> None:
        """Register the plugins' sandboxes by name. Called only before generated code runs."""
        from harness.sandbox import providers, register

        known = {provider.name: type(provider) for provider in providers()}
        for name, found in self.call_each("harness_register_sandboxes"):
            for provider in found:
                if provider.name not in known:
                    register(provider)
                elif known[provider.name] is not type(provider):  # it may have been registered before
                    self._taken(f"{name}.harness_register_sandboxes", provider.name)

    def executors(self) -> dict[str, str]:
        """Executors by name, each a "module:attribute"."""
        found = dict(EXECUTORS)
        for name, named in self.call_each("harness_register_executors"):
            for executor in set(named) & set(found):
                self._taken(f"{name}.harness_register_executors", executor)
            found = {**named, **found}
        return found

    def _taken(self, hook: str, name: str) -> None:
        failure = f"{hook}: the name {name!r} is taken"
        if failure not in self.hook_errors:
            self.hook_errors.append(failure)

    def add(self, name: str, distribution: str, version: str, load: Callable[[], Any]) -> None:
        """Import, register and read one plugin. If anything goes wrong, its status says what."""
        status = PluginStatus(name=name, distribution=distribution, version=version)
        try:
            if others := [other for other in self.statuses if other.name == name]:
                raise PluginError(
                    f"{others[0].distribution} has a plugin named {name!r} as well", "only one can be kept"
                )
            with stdout_to_stderr():
                plugin = load()
            self.manager.register(plugin, name=name)
            try:
                self.manager.check_pending()
                hooks = tuple(caller.name for caller in self.manager.get_hookcallers(plugin) or ())
                unmarked = [name for name in dir(plugin) if hasattr(hookspecs, name) and name.startswith("harness_")]
                if missing := sorted(set(unmarked) - set(hooks)):
                    raise TypeError(f"{missing[0]} lacks the decorator @harness.hookimpl")
                status = status.model_copy(update={"hooks": hooks})
                with stdout_to_stderr():
                    self._read(plugin, status)
            except BaseException:
                self.manager.unregister(plugin)
                raise
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # SystemExit, and what test libraries skip a module with
            status = status.model_copy(update={"error": described(error), "trace": traceback.format_exc()})
        self.statuses.append(status)

    def build_params(self) -> None:
        """Have pydantic build every spec's parameters, which it otherwise does at their first use; a plugin with a class
        that it cannot build becomes broken."""
        for specs in self.specs.values():
            for name, owners in list(specs.items()):
                for spec, status in owners:
                    try:
                        spec.params.model_rebuild()
                    except Exception as error:
                        self._break(status, f"parameters of {name}: {described(error)}", traceback.format_exc())

    def _break(self, status: PluginStatus, cause: str, trace: str) -> None:
        self.statuses = [
            one.model_copy(update={"error": cause, "trace": trace}) if one.name == status.name else one
            for one in self.statuses
        ]

    def _read(self, plugin: Any, status: PluginStatus) -> None:
        """Call the registration hooks and check what they return before keeping any of it."""
        found: list[tuple[str, Spec]] = []
        for kind, (hook, spec_type) in hookspecs.REGISTRATION.items():
            for spec in _returned(plugin, hook, spec_type):
                if fault := fault_of_name(spec.name):
                    raise PluginError(f"{kind}: {fault}")
                if spec.name == "none" and kind in ("compressors", "trainers"):
                    raise PluginError(f"the name 'none' among {kind} is the core's own")
                found.append((kind, spec.model_copy(update={"target": own_target(plugin, spec.target)})))
        if twice := [name for name, count in Counter((kind, spec.name) for kind, spec in found).items() if count > 1]:
            raise PluginError(f"the name {twice[0][1]!r} is registered twice among {twice[0][0]}")
        precedence = 0 if status.name == "builtin" else 1
        files = [
            read_registry_file(path, origin=status.name, precedence=precedence)
            for path in _returned(plugin, "harness_registry_files", Path)
        ]
        for kind, spec in found:
            self.specs[kind].setdefault(spec.name, []).append((spec, status))
        self.registry_files.extend((file, status) for file in files)


def _is_section(section: Any) -> bool:
    return isinstance(section, list | tuple) and list(map(type, section)) == [str, str]


def _returned(plugin: Any, hook: str, item_type: type) -> list[Any]:
    if not hasattr(plugin, hook):
        return []
    result = getattr(plugin, hook)()
    if not isinstance(result, list | tuple) or not all(isinstance(item, item_type) for item in result):
        raise TypeError(f"{hook}() must return a list of {item_type.__name__}, not {result!r:.80}")
    return list(result)


def load_plugins(
    directories: Iterable[Path] = (), disabled: Iterable[str] = (), requested: Iterable[str] = ()
) -> PluginSet:
    """Entry points of group `harness`, then `*.py` of `directories`, then those `requested`: by the name of an entry point
    of group `harness.on_request`, or as a module.

    `disabled` names (or HARNESS_PLUGINS="a,b": load only these) leave plugins out.

    Raises:
        UsageError: a requested plugin does not exist.
        PluginError: a requested plugin is broken, or lacks a package.
    """
    plugins = PluginSet()
    only = os.environ.get("HARNESS_PLUGINS")
    allowed = None if only is None else {name.strip() for name in only.split(",")}
    skipped = set(disabled)
    points = sorted(
        importlib.metadata.entry_points(group=GROUP),
        key=lambda point: (point.name != "builtin", point.name, point.dist.name if point.dist else ""),
    )
    for point in points:
        if point.name in skipped or (allowed is not None and point.name not in allowed):
            continue
        distribution, version = (point.dist.name, point.dist.version) if point.dist else ("unknown", "unknown")
        plugins.add(point.name, distribution, version, point.load)
    for directory in directories:
        for path in sorted(directory.glob("*.py")):
            if path.stem not in skipped:
                plugins.add(path.stem, str(path), "local", partial(load_file, path))
    for name in requested:
        _add_requested(plugins, name)
    return plugins


def _add_requested(plugins: PluginSet, name: str) -> None:
    points = {point.name: point for point in importlib.metadata.entry_points(group=ON_REQUEST)}
    point = points.get(name)
    module = point.value if point else name
    try:
        known = importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # "package.module" without the package
        known = False
    if not known:
        raise UsageError(f"no plugin {name!r} to load", f"-p one of {', '.join(sorted(points))}, or a module's name")
    distribution, version = (point.dist.name, point.dist.version) if point and point.dist else (module, "local")
    plugins.add(name, distribution, version, partial(_required, module))
    if error := plugins.statuses[-1].error:
        raise PluginError(f"plugin {name}: {error.removeprefix('PluginError: ')}")


def _required(module: str) -> Any:
    """The module, if what it `requires` (import names) is there; `extra` is the pip extra that brings it."""
    found = importlib.import_module(module)
    missing = [package for package in getattr(found, "requires", ()) if importlib.util.find_spec(package) is None]
    if missing:
        raise PluginError(f"{missing[0]} is not installed", f"pip install 'goodhart-harness[{found.extra}]'")
    return found
