"""The project's own wheel, and a fresh virtual environment that has it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from environments import Environment, build_wheel, fresh_environment

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's own wheel, from what is committed."""
    pytest.importorskip("build", reason="the package `build` is not installed (pip install '.[dev]')")
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "harness"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(source)], check=True)
    return build_wheel(source, folder)


@pytest.fixture(scope="session")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    made = fresh_environment(tmp_path_factory.mktemp("venv"))
    made.install([wheel])
    return made
