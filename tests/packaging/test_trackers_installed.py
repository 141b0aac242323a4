"""MLflow, Trackio and W&B bring many packages: an environment of their own has them, and there tests/trackers passes whole.

pytest -m slow tests/packaging/test_trackers_installed.py
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from environments import fresh_environment

ROOT = Path(__file__).resolve().parents[2]
TRACKERS = ("mlflow", "trackio", "wandb")


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_trackers_reach_their_stores(wheel, tmp_path):
    made = fresh_environment(tmp_path / "venv")
    made.install([wheel])
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    wanted = [requirement for name in TRACKERS for requirement in extras[name]]
    pip = [sys.executable, "-m", "pip", "--python", made.python, "install", "-q", "--prefer-binary", *wanted]
    done = subprocess.run(pip, capture_output=True, text=True, env=without_checkout())
    if done.returncode:
        pytest.skip(f"no index has them: {done.stderr.strip().splitlines()[-1]}")
    done = made("-m", "pytest", "-p", "no:cacheprovider", "-rs", str(ROOT / "tests" / "trackers"), cwd=tmp_path)
    assert "4 passed" in done.stdout, done.stdout
    assert "skipped" not in done.stdout


def without_checkout() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
