"""Digests of the code that makes a result: every module that a stage's entry reaches by import, read without importing.

A module counts by its meaning: its syntax tree without comments, docstrings and imports for types alone. Which file it lies in
does not matter: an import counts by the content of the module it names, so moving a file changes no digest and editing a line
of any module reached does. Data files (and compiled modules) beside a module count where its source names them, by their
name, their folder or their suffix.

Followed are the core's modules and those of every distribution that brings a plugin, wherever the import stands, at the top
or in a function. Libraries are not: their versions are part of a key by themselves (`ARITHMETIC`).
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harness.store.hashing import digest_file, key_of
from harness.store.syntax import parsed

GROUP = "harness"  # the entry-point group that plugins are found through
ARITHMETIC = ("torch", "transformers", "tokenizers")  # another release of these may compute other numbers
DATA = frozenset({".toml", ".json", ".jsonl", ".txt", ".jinja", ".csv", ".so", ".pyd"})
ROUNDS = 3  # for telling modules of equal text apart by what they import


def code_digest(*entries: str) -> str:
    """sha256 over all code that the entries reach. An entry is "package.module" or "package.module:attribute".

    Raises:
        ModuleNotFoundError: an entry names no module with a source file.
    """
    return _digest(_modules(entries))


def reached(*entries: str) -> dict[str, Path]:
    """module name -> source file, of all modules that the entries reach."""
    found = _closure(_modules(entries))
    return {name: found[name].file for name in sorted(found)}


def data_files(*entries: str) -> set[Path]:
    """The data files that the modules reached name."""
    return {file for module in _closure(_modules(entries)).values() for file in module.data}


def _modules(entries: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({entry.partition(":")[0] for entry in entries}))


@cache
def arithmetic_versions() -> dict[str, str]:
    """Versions of the libraries that do the arithmetic; part of the key of every stage that computes with tensors."""
    return {name: importlib.metadata.version(name) for name in ARITHMETIC}


# ------------------------------------------------------------------------------------------------------------- one module


@dataclass(frozen=True)
class Link:
    """An import: the name it binds, and what it takes of which module ("" is the module itself)."""

    bound: str
    taken: str
    module: str


@dataclass(frozen=True)
class Module:
    name: str
    file: Path
    body: str  # sha256 of what the file means, its imports left blank
    links: tuple[Link, ...]
    data: tuple[Path, ...]


@cache
def _read(name: str) -> Module | None:
    """The module, read, or None if it has no file: a namespace package, a builtin, something missing."""
    file = _locate(name)
    if file is None:
        return None
    if file.suffix != ".py":  # compiled: it counts by its bytes
        return Module(name, file, digest_file(file), (), ())
    source = parsed(file)
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    links = tuple(_linked(package, bound, taken, module) for bound, taken, module in source.imports)
    return Module(name, file, source.body, links, tuple(_named_data(file, source.words)))


def _linked(package: str, bound: str, taken: str, module: str) -> Link:
    """The import with its module's full name; what is taken of a package may be a module of it."""
    rest = module.lstrip(".")
    if level := len(module) - len(rest):
        parents = package.split(".")
        module = ".".join([*parents[: len(parents) - level + 1], *filter(None, [rest])])
    if taken and _followed(module) and _locate(f"{module}.{taken}"):
        return Link(bound, "", f"{module}.{taken}")
    return Link(bound, taken, module)


def _named_data(file: Path, words: Iterable[str]) -> Iterator[Path]:
    """Data files beside `file`, or below it in folders without code, that the words of its source name."""
    for path in _data_below(file.parent):
        parts = {path.name, path.suffix, *path.relative_to(file.parent).parts[:-1]}
        if any(word in parts or word.endswith((f"/{path.name}", path.suffix)) for word in words):
            yield path


@cache
def _data_below(folder: Path) -> tuple[Path, ...]:
    found: list[Path] = []
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            if not any(path.glob("*.py")):
                found += _data_below(path)
        elif path.suffix in DATA:
            found.append(path)
    return tuple(found)


# ------------------------------------------------------------------------------------------------------------ its closure


@cache
def _closure(entries: tuple[str, ...]) -> dict[str, Module]:
    """Everything reached from the entries. A module's packages count too, because importing it executes them."""
    found: dict[str, Module] = {}
    waiting = list(entries)
    for entry in entries:
        if _read(entry) is None:
            raise ModuleNotFoundError(f"no module {entry!r} with a source file")
    while waiting:
        name = waiting.pop()
        module = _read(name) if name not in found else None
        if module is None:
            continue
        found[name] = module
        waiting += [link.module for link in module.links if _followed(link.module)]
        while package := name.rpartition(".")[0]:
            waiting.append(package)
            name = package
    return found


@cache
def _digest(entries: tuple[str, ...]) -> str:
    modules = _closure(entries)
    current = {name: module.body for name, module in modules.items()}
    for _ in range(ROUNDS):
        current = {
            name: key_of(
                [
                    module.body,
                    [[link.bound, link.taken, current.get(link.module, link.module)] for link in module.links],
                ]
            )
            for name, module in modules.items()
        }
    data = {(file.name, digest_file(file)) for module in modules.values() for file in module.data}
    return key_of([sorted(set(current.values())), sorted(data)])


# --------------------------------------------------------------------------------------------------------- where it lies


def _followed(module: str) -> bool:
    return module.partition(".")[0] in _roots()


@cache
def _roots() -> frozenset[str]:
    """Top-level packages of the core and of every distribution that brings a plugin."""
    found = {"harness"}
    for point in importlib.metadata.entry_points(group=GROUP):
        found.add(point.module.partition(".")[0])
        if point.dist is not None:
            found |= set((point.dist.read_text("top_level.txt") or "").split())
    return frozenset(found)


@cache
def _locate(module: str) -> Path | None:
    """The source file (or compiled file) of a module, found on disk without importing its packages."""
    top, _, rest = module.partition(".")
    if not rest:
        return _top_level(top)
    for parent in _folders(module.rpartition(".")[0]):
        leaf = module.rpartition(".")[2]
        for path in (parent / leaf / "__init__.py", parent / f"{leaf}.py", *sorted(parent.glob(f"{leaf}.*.so"))):
            if path.is_file():
                return path
    return None


def _top_level(name: str) -> Path | None:
    loaded = sys.modules.get(name)
    if loaded is not None and getattr(loaded, "__file__", None):  # also a single-file plugin, which is not on the path
        return Path(str(loaded.__file__))
    spec = importlib.util.find_spec(name)
    return Path(spec.origin) if spec and spec.origin and Path(spec.origin).is_file() else None


def _folders(package: str) -> Iterable[Path]:
    """The folders that a package's modules lie in."""
    top, _, rest = package.partition(".")
    loaded = sys.modules.get(top)
    spec = loaded.__spec__ if loaded is not None and loaded.__spec__ else importlib.util.find_spec(top)
    locations = list(spec.submodule_search_locations or []) if spec else []
    return [folder for where in locations if (folder := Path(where, *filter(None, rest.split(".")))).is_dir()]
