"""A selected compressor, suite, trainer or detector as data, and how the code behind it is found and made."""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import importlib.util
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import BeforeValidator, JsonValue, model_validator

from harness.contract import Record, Spec
from harness.contract.records import renamed
from harness.errors import HarnessError, PluginError, described

NONE = "none"  # the untouched model: every run has it as a compressor and as a trainer


def _listed(given: Any) -> Any:
    """One name may be written without a list; none was stored as null."""
    return (given,) if isinstance(given, str) else () if given is None else given


Names = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class Component(Record):
    """A selected compressor, suite, trainer or detector: everything a worker needs to build it, as JSON."""

    kind: str
    label: str  # as typed
    preset: str
    plugin: str
    target: str
    params: dict[str, JsonValue]
    distribution: str = ""
    version: str = ""
    source: str = ""  # digest of the code that its target reaches, read without importing it
    libraries: dict[str, str] = {}  # versions of what its spec requires: another release may compute other values
    base: str | None = None  # the arm that this one is compared with when it runs too (default: none)
    control: Names = ()  # the arms that this one must beat as well (placebos, a size-matched compressor)
    treatment: Component | None = None  # what this one is a control of, where its spec says so
    draw_of: str | None = None  # the label as typed, if it stands for several arms
    deployment: frozenset[str] = frozenset()  # parameters of a trainer that its training does not depend on

    @model_validator(mode="before")
    @classmethod
    def _read_former(cls, data: Any) -> Any:
        return renamed(data, {"of": "treatment"})

    @property
    def chain(self) -> tuple[Component, ...]:
        """This one, what it is a control of, and so on."""
        return (self, *(self.treatment.chain if self.treatment else ()))

    @property
    def identity(self) -> dict[str, JsonValue]:
        """What its stage key depends on: code and parameters, not the name somebody gave them."""
        identity: dict[str, JsonValue] = {
            "plugin": self.plugin,
            "source": self.source,
            "params": self.params,
        }
        if self.libraries:
            identity["libraries"] = dict(self.libraries)
        return identity | ({"treatment": self.treatment.identity} if self.treatment else {})

    @property
    def untouched(self) -> bool:
        return self.plugin == NONE


def require(spec: Spec, label: str) -> None:
    """Refuse a plugin whose optional dependencies are missing, naming what to install."""
    if missing := missing_dependencies(spec):
        raise PluginError(f"{label} needs {', '.join(missing)}, which is not installed", install_command(spec))


def missing_dependencies(spec: Spec) -> list[str]:
    return [name for name in spec.requires if not _importable(name)]


def _importable(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # "package.module" without the package
        return False


def library_versions(spec: Spec) -> dict[str, str]:
    """Import name -> version of the distribution that brings it, for everything the spec requires."""
    return {name: _version(name) for name in spec.requires}


def _version(name: str) -> str:
    package = name.partition(".")[0]
    for distribution in (name, package):  # most distributions are called as they are imported
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            return importlib.metadata.version(distribution)
    brought = importlib.metadata.packages_distributions().get(package, [])
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in sorted(set(brought)))


def install_command(spec: Spec) -> str:
    """The command that brings a plugin's optional dependencies."""
    packages = f"'goodhart-harness[{spec.extra}]'" if spec.extra else " ".join(missing_dependencies(spec))
    return f"pip install {packages}"


def build(component: Component, spec: Spec, *treatment: Any) -> Any:
    """Import the code behind a component and make it, with its parameters (and its treatment)."""
    module_name, _, attribute = spec.target.partition(":")  # today's: a module may have moved since the cell was stored
    with blamed(f"cannot import {spec.target} for {component.label}"):
        try:
            factory = getattr(importlib.import_module(module_name), attribute)
        except (ImportError, AttributeError) as error:
            raise PluginError(f"cannot import {spec.target} for {component.label}: {error}") from error
    with blamed(f"cannot make {component.label}"):
        return factory(spec.params.model_validate(component.params), *treatment)


@contextlib.contextmanager
def blamed(what: str) -> Iterator[None]:
    """Whatever a plugin's code raises in here, or ends the process with, is one line that says where it did."""
    try:
        yield
    except (HarnessError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise PluginError(f"{what}: {described(error)[:300]}", "a bug in the plugin") from error
