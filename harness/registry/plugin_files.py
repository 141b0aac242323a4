"""A plugin in a single file: imported by its path under a private name, so that `random.py` harms no library of that name."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from harness.store.files import open_regular

PREFIX = "harness_plugin_file_"
LARGEST = 16 << 20  # bytes


def load_file(path: Path) -> ModuleType:
    """Import the file. Its own name is not in `sys.modules` afterwards: see `own_target`."""
    with open_regular(path) as file:
        if os.fstat(file.fileno()).st_size > LARGEST:
            raise ImportError(f"{path} has more than {LARGEST >> 20} MiB")
    name = private_name(path)
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot import {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def private_name(path: Path) -> str:
    """One word, since a module's name with dots is looked for inside a package."""
    return PREFIX + path.stem.replace(".", "_")


def own_target(plugin: Any, target: str) -> str:
    """A spec's "module:attribute" with the file's own name replaced by the one that it is imported under."""
    module, mark, attribute = target.partition(":")
    file, name = getattr(plugin, "__file__", None), getattr(plugin, "__name__", "")
    mine = isinstance(plugin, ModuleType) and name.startswith(PREFIX) and file and module == Path(file).stem
    return f"{name}{mark}{attribute}" if mine else target


@contextlib.contextmanager
def stdout_to_stderr() -> Iterator[None]:
    """What is printed inside goes to stderr, by whatever way: a verb's stdout may be JSON."""
    try:
        sys.stdout.flush()
        kept = os.dup(1)
    except (OSError, ValueError, AttributeError):  # there is no stdout
        yield
        return
    try:
        os.dup2(2, 1)
        out = os.fdopen(
            os.dup(2), "w", encoding="utf-8", errors="backslashreplace"
        )  # who closes it closes no one else's
        with out, contextlib.redirect_stdout(out):
            yield
    finally:
        with contextlib.suppress(OSError, ValueError, AttributeError):
            sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
