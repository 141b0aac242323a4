"""Seconds of the main job and of the verbs that run nothing: `python benchmarks/main_job.py`.

Every figure is the wall time of the real command in a process of its own. The main job starts from an empty cache each time:
model loading, calibration, compression, 280 replies, grading and the report are all in it.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MAIN_JOB = ["run", "--compressor", "ultra3", "--tasks", "goodhart7"]
LIGHT = [["--help"], ["list"], ["plan", "--compressor", "ultra3", "--tasks", "goodhart7"]]


def seconds(arguments: list[str], cwd: Path) -> float:
    env = {**os.environ, "HARNESS_CACHE": str(cwd / "cache")}
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "harness", *arguments], cwd=cwd, env=env, check=True, capture_output=True)
    return time.perf_counter() - started


def main() -> None:
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        for arguments in LIGHT:
            times = [seconds(arguments, Path(folder)) for _ in range(7)]
            print(
                f"harness {' '.join(arguments)}: median {statistics.median(times):.2f} s, best {min(times):.2f} s of 7"
            )
    for round_ in range(2):
        with tempfile.TemporaryDirectory() as folder:
            first = seconds(MAIN_JOB, Path(folder))
            again = seconds(MAIN_JOB, Path(folder))
        print(
            f"harness {' '.join(MAIN_JOB)}: {first:.1f} s from an empty cache, {again:.1f} s again (round {round_ + 1})"
        )


if __name__ == "__main__":
    main()
