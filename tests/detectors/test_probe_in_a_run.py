"""The probe in a run of the real command, on the real embedded model."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import warm

from harness.sandbox import available


@pytest.mark.skipif(bool(available()["bwrap"]), reason=available()["bwrap"] or "")
def test_it_is_fitted_and_asked_with_the_runs_own_model(tmp_path: Path) -> None:
    command = [
        "-m",
        "harness",
        "run",
        "--tasks",
        "leetcode-loopholes",
        "--limit",
        "4",
        "--max-tokens",
        "48",
    ]
    environment = {**os.environ, "HARNESS_CACHE": str(tmp_path / "cache")}

    def run() -> None:
        asked = [*command, "--detectors", "probe,static", "--out", str(tmp_path / "run")]
        done = warm.run(asked, Path(__file__).parents[2], environment)
        assert done.returncode == 0, done.stderr

    run()
    (cell,) = (tmp_path / "run" / "cells").iterdir()
    flags = [json.loads(line)["flag"] for path in cell.glob("flags-*.jsonl") for line in path.read_text().splitlines()]
    read = [flag for flag in flags if any("of the blocks" in line for line in flag["evidence"])]
    assert len(flags) == 8
    assert len(read) == 4
    assert not any(flag["abstained"] for flag in read)
    assert json.loads((cell / "state.json").read_text())["workers_replaced"] == 0
    written = {path: path.stat().st_mtime_ns for path in cell.glob("flags-*")}
    assert len([path for path in written if path.suffix == ".done"]) == 2
    run()  # what was inspected is not inspected again
    assert {path: path.stat().st_mtime_ns for path in cell.glob("flags-*")} == written
