"""The whole screen by its command, and a run that spends by it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


def harness(*args: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "harness", *args], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_a_screen_resumes_and_a_compressor_spends_by_it(tmp_path: Path) -> None:
    command = ("sensitivity", "--model", "pocket", "--compressor", "rtn2", "--tasks", "fidelity", "--items", "3")
    first = harness(*command, "--out", "screen", folder=tmp_path)
    assert first.returncode == 0, first.stderr
    assert "fidelity: 3 items, continuous responses only" in first.stdout
    found = json.loads((tmp_path / "screen" / "sensitivity.json").read_text())
    damage = {unit: effect["damage"] for unit, effect in found["effects"]["predicting"].items()}
    assert max(damage, key=lambda unit: damage[unit]) == "0"
    assert found["noise"]["predicting"] < 0.01 * damage["0"]
    assert "| predicting | 3 |" in (tmp_path / "screen" / "sensitivity.md").read_text()
    assert (tmp_path / "screen" / "sensitivity.svg").read_text().startswith("<svg")
    samples = {file: file.stat().st_mtime_ns for file in tmp_path.glob("screen/cells/*/samples.jsonl")}
    again = harness(*command, "--out", "screen", folder=tmp_path)
    assert again.returncode == 0
    assert {file: file.stat().st_mtime_ns for file in samples} == samples
    spend = (
        "plan",
        "--compressor",
        "sensitive@3.0",
        "--tasks",
        "fidelity",
        "--model",
        "pocket",
        "-P",
        "sensitive.plan=screen",
    )
    assert harness(*spend, folder=tmp_path).returncode == 0
    refused = harness(*spend, "-P", "fidelity.seed=101", folder=tmp_path)
    assert refused.returncode == 2
    assert "was decided by 3 of the 64 items that fidelity asks" in refused.stderr
