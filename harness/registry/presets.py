"""registry.toml: presets (a name, the plugin behind it, its parameters) and models, read before any plugin is imported."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue, ValidationError

from harness.contract import Record
from harness.errors import UsageError
from harness.registry.column_maps import ColumnMap, read_column_map
from harness.registry.component import Names
from harness.store.files import read_toml

KINDS = ("compressors", "tasks", "trainers", "detectors")
KIND_OF = {"suites": "tasks"}  # heading -> kind where they differ: an experiment's `tasks` are those it selects
OTHERS = ("models", "maps", "defaults")
OWN_KEYS = ("plugin", "summary", "at", "colon", "slash", "base", "control", "draws", "default_model", "sweep")

NAME = re.compile(r"[^\W_][\w.+-]{0,63}")


class Sweep(Record):
    """How a suite is asked in a sensitivity screen: its parameters there, items of their own among them, and its continuous
    responses, by a reader's word for each: the measure or score, with a minus where less is better."""

    params: dict[str, JsonValue] = {}
    responses: dict[str, str] = {}


class Preset(Record):
    """A name for a plugin with parameters. `at`, `colon` and `slash` name the parameters that a suffix sets."""

    name: str
    plugin: str
    origin: str  # which file or plugin declared it
    precedence: int = -1
    summary: str = ""
    at: str | None = None  # set by name@value
    colon: str | None = None  # set by name:value
    slash: str | None = None  # set by name/value
    base: str | None = None  # the preset this one is compared with, when both run; without one it is `none`
    control: Names = ()  # other presets to compare with: placebos, a size-matched compressor
    draws: dict[str, tuple[JsonValue, ...]] = {}  # a parameter and its values: the name stands for one arm per value
    default_model: str | None = None  # tasks only
    sweep: Sweep = Sweep()  # tasks only
    params: dict[str, JsonValue] = {}


class Model(Record):
    """A model entry: where it lies, what it is calibrated on, and what suites should know about it."""

    name: str
    path: str  # a folder or .gguf (relative to the registry file), "package:inside/it" of a package, or a hub id
    origin: str
    folder: str  # of the registry file
    summary: str = ""
    calibration: str | None = None  # a calibration source: "self", a text or JSONL file, …
    install: str = ""  # the command that brings the package
    note: str = ""  # printed under every report on this model
    suites: dict[str, dict[str, JsonValue]] = {}  # a suite plugin's default parameters for this model

    def locate(self) -> str:
        """The model's folder or file as an absolute path, or its hub id. Raises UsageError if its package is missing."""
        if packaged := package_path(self.path):
            return str(packaged)
        local = Path(self.folder) / self.path
        if local.exists():
            return str(local.resolve())
        if package := self.missing:
            raise UsageError(f"model {self.name!r} lies in the package {package}, which is not installed", self.install)
        return self.path

    @property
    def missing(self) -> str:
        """The package that the path names, if it is not installed; else ""."""
        package, mark, _ = self.path.partition(":")
        absent = bool(mark) and package.isidentifier() and package_path(self.path) is None
        return package if absent and not (Path(self.folder) / self.path).exists() else ""


def package_path(text: str) -> Path | None:
    """ "package:inside/it" -> where that lies, or None when `text` is not of that form or the package is not installed."""
    package, mark, inside = text.partition(":")
    if not mark or not package.isidentifier():
        return None
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations))) / inside


class RegistryFile(Record):
    path: str
    precedence: int
    presets: dict[str, dict[str, Preset]]
    models: dict[str, Model]
    maps: dict[str, ColumnMap] = {}  # of the columns of labelled files
    default_model: str | None = None


def read_registry_file(path: Path, origin: str, precedence: int) -> RegistryFile:
    """Parse and check one registry.toml; every error names the file and the table."""
    try:
        tables = read_toml(path)
    except OSError as error:
        raise UsageError(f"cannot read registry {path}: {error.strerror or error}") from None
    except ValueError as error:
        raise UsageError(f"bad registry {path}: {error}") from None
    for name, table in tables.items():
        if not isinstance(table, dict) or (name != "defaults" and not all(isinstance(v, dict) for v in table.values())):
            raise UsageError(f"bad registry {path}: {name!r} is not a table of tables")
    unknown = set(tables) - {*KINDS, *OTHERS}
    if unknown:
        raise UsageError(
            f"bad registry {path}: unknown table [{sorted(unknown)[0]}]", f"known: {', '.join((*KINDS, *OTHERS))}"
        )
    presets = read_presets({kind: tables.get(kind, {}) for kind in KINDS}, f"registry {path}", origin, precedence)
    models = {}
    for name, table in tables.get("models", {}).items():
        try:
            models[name] = Model(name=name, origin=origin, folder=str(path.resolve().parent), **table)
        except (ValidationError, TypeError) as error:
            raise UsageError(f"bad registry {path}: [models.{name}]: {_first(error)}") from None
    maps = {
        name: read_column_map(table, f"registry {path}: [maps.{name}]", name, origin)
        for name, table in tables.get("maps", {}).items()
    }
    default_model = tables.get("defaults", {}).get("model")
    return RegistryFile(
        path=str(path), precedence=precedence, presets=presets, models=models, maps=maps, default_model=default_model
    )


def read_presets(
    tables: Mapping[str, Mapping[str, object]], where: str, origin: str, precedence: int
) -> dict[str, dict[str, Preset]]:
    """heading -> name -> table, as parsed, to kind -> name -> preset; `where` names the source of an error."""
    return {
        KIND_OF.get(heading, heading): {
            name: _preset(where, heading, name, table, origin, precedence) for name, table in named.items()
        }
        for heading, named in tables.items()
    }


def fault_of_name(name: str) -> str:
    """Why nobody could type it among others, followed by its suffix; "" if all is well."""
    return "" if NAME.fullmatch(name) else f"the name {name[:60]!r} is not 1 to 64 letters, digits, '.', '-' and '_'"


def _preset(where: str, heading: str, name: str, table: object, origin: str, precedence: int) -> Preset:
    if fault := fault_of_name(name):
        raise UsageError(f"bad {where}: [{heading}]: {fault}")
    if not isinstance(table, dict) or "plugin" not in table:
        raise UsageError(f"bad {where}: [{heading}.{name}] names no plugin", f'add plugin = "…" to [{heading}.{name}]')
    own = {key: table[key] for key in OWN_KEYS if key in table}
    params = {key: value for key, value in table.items() if key not in OWN_KEYS}
    try:
        return Preset(name=name, origin=origin, precedence=precedence, params=params, **own)
    except ValidationError as error:
        raise UsageError(f"bad {where}: [{heading}.{name}]: {_first(error)}") from None


def _first(error: Exception) -> str:
    if isinstance(error, ValidationError):
        detail = error.errors()[0]
        return f"{'.'.join(str(part) for part in detail['loc'])}: {detail['msg']}"
    return str(error)
