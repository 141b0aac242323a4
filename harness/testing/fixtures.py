"""Fixtures for tests of plugins: `pytest_plugins = ["harness.testing.fixtures"]` in a conftest.py."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.testing.model import build_tiny_qwen2


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a random Qwen2 of 3 blocks with its tokenizer; treat it as read-only."""
    folder = tmp_path_factory.mktemp("tiny_model")
    build_tiny_qwen2(folder)
    return folder


@pytest.fixture
def harness_command(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """The real command line in its own process, in `tmp_path` with an empty cache: harness_command("list").stdout.

    Fails with what was printed unless the command exits with `code`.
    """

    def run(*arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "HARNESS_CACHE": str(tmp_path / "cache"), "HF_HUB_OFFLINE": "1"}
        command = [sys.executable, "-m", "harness", *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
        assert done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return run
