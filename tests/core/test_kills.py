"""SIGKILL at random moments: whatever is killed and whenever, the same command goes on to the tables of an undisturbed run.

    pytest -m slow -s tests/core/test_kills.py        HARNESS_KILLS=50 for more of them, HARNESS_KILLS_SEED=2 for others

A run is killed and resumed until it ends, its tables are compared, and the next one begins with no run folder and no
artefact. What is killed is drawn too: the driver (its workers have to die by themselves), a worker (which is tried again) or
everything, as when a machine fails.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import warm
from conftest import timeless

KILLS = int(os.environ.get("HARNESS_KILLS", "4"))
SEED = os.environ.get("HARNESS_KILLS_SEED", "")
COMPRESSED = "--tasks goodhart7 --compressor none,uniform3 -P uniform3.iterations=1 --limit 1 --max-tokens 8"
TRAINED = (
    "--tasks leetcode-loopholes --trainer vanilla --model pocket-code --limit 1 --max-tokens 8"
    " -P vanilla.steps=4 -P vanilla.checkpoint_every=2 -P vanilla.prompts_per_step=2 -P vanilla.group_size=4"
    " -P vanilla.max_tokens=8"
)


@dataclass
class Killed:
    """One command in a folder of its own, and what has been killed of it so far."""

    folder: Path
    arguments: str
    chance: random.Random
    kills: Counter[str] = field(default_factory=Counter)

    def run(self, within: float | None = None) -> int:
        """Run to the end, or kill something of it after at most so many seconds. Returns the exit code."""
        over = threading.Event()
        killers: list[threading.Thread] = []

        def started(pid: int) -> None:
            if within is not None:
                drawn = (pid, self.chance.uniform(0, within), over)
                killers.append(threading.Thread(target=self._kill, args=drawn))
                killers[0].start()

        env = {**os.environ, "HARNESS_CACHE": str(self.folder / "cache")}
        done = warm.run(
            ["-m", "harness", "run", *self.arguments.split(), "--out", "r"], self.folder, env, started=started
        )
        over.set()
        for killer in killers:
            killer.join()
        assert "Traceback" not in done.stderr, done.stderr
        assert done.returncode in (0, -signal.SIGKILL), done.stdout + done.stderr
        return done.returncode

    def _kill(self, driver: int, after: float, over: threading.Event) -> None:
        if over.wait(after):
            return
        what = self.chance.choice(["driver", "worker", "all"])
        workers = _children(driver)
        if what == "worker" and not workers:
            what = "driver"
        self.kills[what] += 1
        for pid in {"driver": [driver], "worker": workers, "all": [driver, *workers]}[what]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def begin_anew(self) -> None:
        for path in (self.folder / "r", self.folder / "cache" / "artefacts"):
            shutil.rmtree(path, ignore_errors=True)

    @property
    def tables(self) -> object:
        """All but the line that counts the kills."""
        report = json.loads((self.folder / "r" / "report" / "results.json").read_text())
        for table in [table for section in report["sections"] for table in section["tables"]]:
            table["rows"] = [row for row in table["rows"] if row.get("what") != "workers lost"]
        return timeless(report)


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        tasks = Path(f"/proc/{pid}/task").iterdir()
        return [int(child) for task in tasks for child in (task / "children").read_text().split()]
    return []


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [COMPRESSED, TRAINED], ids=["compressed", "trained"])
def test_killed_runs_end_with_the_same_tables(tmp_path, arguments, capsys):
    run = Killed(tmp_path, arguments, random.Random(arguments + SEED))
    assert run.run() == 0
    started = time.monotonic()
    run.begin_anew()
    assert run.run() == 0  # again, with what any run leaves in the cache
    undisturbed, seconds, runs = run.tables, time.monotonic() - started, 0
    while sum(run.kills.values()) < KILLS:
        run.begin_anew()
        while run.run(within=seconds) != 0:
            pass
        assert run.tables == undisturbed
        runs += 1
        with capsys.disabled():
            print(f"\n{dict(run.kills)} killed in {runs} runs of {seconds:.0f} s: all with the same tables", flush=True)
