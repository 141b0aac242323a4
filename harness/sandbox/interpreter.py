"""Which files a Python interpreter needs to start: its executable, its standard library, and the shared libraries of both and
of the tools beside it."""

from __future__ import annotations

import functools
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path

from harness.errors import UsageError
from harness.sandbox.tools import tools

OFFERED = ("numpy", "sortedcontainers")  # as the graders of LeetCode do


@dataclass(frozen=True)
class Interpreter:
    """Paths are where the interpreter expects them; `packages` lie inside `library` and must be hidden, but for what is
    `offered`: name -> folder."""

    executable: Path
    library: tuple[Path, ...]
    packages: tuple[Path, ...]
    shared: tuple[Path, ...]
    offered: dict[str, Path]

    def shown_packages(self) -> list[Path]:
        """The offered folders, and those in which wheels keep the libraries that they load."""
        return with_libraries(list(self.offered.values()))


@functools.cache
def this_interpreter() -> Interpreter:
    """The interpreter behind the running one: of a virtual environment, the one that it was made from."""
    executable = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    library = Path(os.__file__).resolve().parent
    extensions = [Path(path).resolve() for path in sys.path if path.endswith("lib-dynload") and Path(path).is_dir()]
    folders = [library, *(folder for folder in extensions if not folder.is_relative_to(library))]
    packages = [library / name for name in ("site-packages", "dist-packages") if (library / name).is_dir()]
    offered = {name: folder for name in OFFERED if (folder := package_folder(name))}
    found = shared_libraries([executable, *tools().values()], [*extensions, *offered.values()])
    brought = with_libraries(list(offered.values()))
    shared = tuple(path for path in found if not any(path.is_relative_to(folder) for folder in brought))
    return Interpreter(executable, tuple(folders), tuple(packages), shared, offered)


def with_libraries(packages: list[Path]) -> list[Path]:
    return [*packages, *(libs for it in packages if (libs := it.with_name(f"{it.name}.libs")).is_dir())]


def package_folder(name: str) -> Path | None:
    """Where an installed package lies; it is not imported."""
    spec = PathFinder.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin and spec.submodule_search_locations else None


def shared_libraries(executables: list[Path], extensions: list[Path]) -> tuple[Path, ...]:
    """What the dynamic loader opens for the executables and for every extension module in these folders."""
    modules = sorted(module for folder in extensions for module in folder.rglob("*.so"))
    binaries = [*executables, *(module for module in modules if not module.name.startswith("_tkinter"))]  # no windows
    try:
        listing = subprocess.run(["ldd", *binaries], capture_output=True, text=True, check=False).stdout
    except OSError as error:
        raise UsageError(f"the sandbox cannot list the interpreter's libraries: {error}", "install ldd") from error
    found = re.findall(r"(?:=>|^)\s+(/\S+) \(0x", listing, re.MULTILINE)
    return tuple(Path(path) for path in sorted({os.path.normpath(path) for path in found}))
