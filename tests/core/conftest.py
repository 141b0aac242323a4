from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import warm

TOYS = Path(__file__).parent / "toys"


@dataclass
class Cli:
    """The real command in a process of its own, in an empty working folder with an empty cache."""

    cwd: Path
    model: Path

    def __call__(
        self, *arguments: str, plugins: Path | None = TOYS, code: int | None = 0
    ) -> subprocess.CompletedProcess:
        leading = ["--plugins-dir", str(plugins)] if plugins else []
        done = warm.run(["-m", "harness", *leading, *arguments], cwd=self.cwd, env=self.env)
        assert code is None or done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "harness", *arguments]

    @property
    def env(self) -> dict[str, str]:
        return {**os.environ, "HARNESS_CACHE": str(self.cwd / "cache"), "COLUMNS": "120"}

    def run(self, *arguments: str, code: int | None = 0, model: Path | None = None) -> subprocess.CompletedProcess:
        return self("run", "--tasks", "toy", "--model", str(model or self.model), "--out", "r", *arguments, code=code)

    def start(self, *arguments: str) -> subprocess.Popen:
        """A run in the background, to be interrupted."""
        leading = ["--plugins-dir", str(TOYS), "run", "--tasks", "toy", "--model", str(self.model), "--out", "r"]
        command = self.command(*leading, *arguments)
        return subprocess.Popen(
            command, cwd=self.cwd, env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )

    def rows(self, name: str) -> dict[str, list[dict]]:
        """cell id -> rows of one of its JSONL files."""
        found = {}
        for cell in sorted((self.cwd / "r" / "cells").iterdir()):
            lines = [line for path in sorted(cell.glob(name)) for line in path.read_text().splitlines()]
            found[cell.name] = [json.loads(line) for line in lines]
        return found

    def tables(self, folder: str = "r") -> object:
        """The report's tables without what differs between equal runs: times."""
        return timeless(json.loads((self.cwd / folder / "report" / "results.json").read_text()))

    def replies(self) -> dict[str, list]:
        """What was said, without timings: equal for equal runs."""
        return {
            cell: sorted([row["item"], row["role"], row["repeat"], row["reply"]["text"]] for row in rows)
            for cell, rows in self.rows("samples.jsonl").items()
        }


def timeless(value: object) -> object:
    if isinstance(value, dict):
        return {name: timeless(inner) for name, inner in value.items() if name != "seconds"}
    return [timeless(inner) for inner in value] if isinstance(value, list) else value


@pytest.fixture
def cli(tmp_path: Path, tiny_qwen2: Path) -> Cli:
    return Cli(tmp_path, tiny_qwen2)
