"""Which files a Python interpreter needs to start: its executable, its standard library, both's shared libraries."""

from __future__ import annotations

import functools
import os
import re
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Interpreter:
    """Paths are where the interpreter expects them; `packages` lie inside `library` and must be hidden."""

    executable: Path
    library: tuple[Path, ...]
    packages: tuple[Path, ...]
    shared: tuple[Path, ...]


@functools.cache
def this_interpreter() -> Interpreter:
    """The interpreter behind the running one: of a virtual environment, the one that it was made from."""
    executable = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    library = Path(os.__file__).resolve().parent
    extensions = Path(sysconfig.get_config_var("DESTSHARED") or library / "lib-dynload")
    folders = [library] if extensions.is_relative_to(library) else [library, extensions]
    packages = [library / name for name in ("site-packages", "dist-packages") if (library / name).is_dir()]
    return Interpreter(executable, tuple(folders), tuple(packages), shared_libraries(executable, extensions))


def shared_libraries(executable: Path, extensions: Path) -> tuple[Path, ...]:
    """What the dynamic loader opens for the executable and for every extension module of the standard library."""
    modules = sorted(extensions.glob("*.so"))
    binaries = [executable, *(module for module in modules if not module.name.startswith("_tkinter"))]  # no windows
    listing = subprocess.run(["ldd", *binaries], capture_output=True, text=True, check=False).stdout
    found = re.findall(r"(?:=>|^)\s+(/\S+) \(0x", listing, re.MULTILINE)
    return tuple(Path(path) for path in sorted(set(found)))
