"""Wheels, built as pip builds them, and virtual environments to install them in."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


def build_wheel(source: Path, out: Path) -> Path:
    """Build the wheel of a copy of `source`, for setuptools leaves folders behind; without network or isolation."""
    copy = out / f"{source.name}-source"
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns(".git", "build", "*.egg-info", "__pycache__"))
    command = [
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        str(out / source.name),
        str(copy),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return next((out / source.name).glob("*.whl"))


@dataclass(frozen=True)
class Environment:
    """A virtual environment of its own, whose third-party libraries are this one's."""

    folder: Path

    @property
    def python(self) -> str:
        return str(self.folder / "bin" / "python")

    def install(self, wheels: Iterable[Path]) -> None:
        pip = [sys.executable, "-m", "pip", "--python", self.python, "install", "-q", "--no-deps", "--no-index"]
        done = subprocess.run([*pip, *map(str, wheels)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def __call__(self, *arguments: str, cwd: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Run the environment's python; the checkout is not on its path."""
        kept = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
        env = {**kept, "HARNESS_CACHE": str(self.folder / "cache"), "HF_HUB_OFFLINE": "1"}
        done = subprocess.run([self.python, *arguments], cwd=cwd, env=env, capture_output=True, text=True)
        assert done.returncode == code, f"exit {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        return done


def fresh_environment(folder: Path) -> Environment:
    """Its own packages come first on the path, this environment's after them: an editable install does not answer."""
    venv.create(folder, symlinks=True)
    fresh = Environment(folder)
    ask = [fresh.python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()
    libraries = sysconfig.get_path("purelib")
    (Path(site) / "libraries.pth").write_text(f"import site; site.addsitedir({libraries!r})\n")
    return fresh
