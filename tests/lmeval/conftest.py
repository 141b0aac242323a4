"""A real server of the OpenAI protocol on loopback: transformers' own, with the pocket model."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import warm

TOYS = Path(__file__).parents[1] / "core" / "toys"

REGISTRY = """
[tasks.few]
plugin = "goodhart"
items = 1
grader = "rubric"
families = ["discount_coupon", "time_duration", "recipe_scale", "transitive_order"]
max_tokens = 200
"""

# transformers serve reads replies by the model type's usual markers; this model's are its own
RESPONSE_TEMPLATE = {
    "defaults": {"role": "assistant"},
    "start_anchor": "<|assistant|>",
    "fields": {"content": {"close": "<|end|>", "content": "text"}},
}


@dataclass
class Server:
    """`transformers serve FOLDER` as a process that can be killed and started again at the same URL."""

    folder: Path
    port: int
    log: Path
    seconds: float = 120.0  # in which it must start
    process: subprocess.Popen | None = field(default=None)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def args(self, **more: object) -> str:
        """As --backend-args."""
        given = {"model": self.folder, "base_url": self.url, **more}
        return ",".join(f"{name}={value}" for name, value in given.items())

    @property
    def command(self) -> list[str]:
        return [
            sys.executable, "-m", "transformers.cli.transformers", "serve", str(self.folder), "--host", "127.0.0.1",
            "--port", str(self.port), "--device", "cpu", "--dtype", "float32",
        ]  # fmt: skip

    def start(self, **more: str) -> None:
        """`more`: environment variables."""
        env = {**os.environ, "HF_HUB_OFFLINE": "1", "TQDM_DISABLE": "1", **more}
        with self.log.open("a") as log:
            self.process = subprocess.Popen(self.command, env=env, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + self.seconds
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            with contextlib.suppress(OSError, urllib.error.URLError):
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=2).close()
                return
            time.sleep(0.1)
        raise AssertionError(f"no server within {self.seconds} s: {self.log.read_text()[-3000:]}")

    def kill(self) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    missing = [
        name for name in ("lm_eval", "tenacity", "fastapi", "uvicorn", "openai") if not importlib.util.find_spec(name)
    ]
    if missing:
        pytest.skip(
            f"{', '.join(missing)} not installed (pip install 'goodhart-harness[lm-eval]' 'transformers[serving]')"
        )
    from harness.registry.sources import resolve

    folder = tmp_path_factory.mktemp("served") / "pocket"
    shutil.copytree(resolve("pocket"), folder)
    edit(folder / "tokenizer_config.json", response_template=RESPONSE_TEMPLATE)
    edit(folder / "generation_config.json", do_sample=True)  # without it the server ignores the temperature
    running = Server(folder, free_port(), folder.parent / "server.log")
    running.start()
    yield running
    running.kill()


def edit(path: Path, **values: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


# -------------------------------------------------------------------------------------------------------------- runs


@dataclass
class Run:
    """The real command in a process of its own, offline, in an empty working folder with an empty cache."""

    cwd: Path
    key: str = "sk-a-key-of-no-account-0123456789"

    @property
    def env(self) -> dict[str, str]:
        offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
        return {**os.environ, **offline, "HARNESS_CACHE": str(self.cwd / "cache"), "OPENAI_API_KEY": self.key}

    def __call__(self, *arguments: str, code: int | None = 0) -> subprocess.CompletedProcess:
        done = warm.run(["-m", "harness", "--plugins-dir", str(TOYS), "run", *arguments], self.cwd, self.env)
        assert code is None or done.returncode == code, done.stdout + done.stderr
        return done

    def start(self, *arguments: str) -> subprocess.Popen:
        command = [sys.executable, "-m", "harness", "--plugins-dir", str(TOYS), "run", *arguments]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(command, cwd=self.cwd, env=self.env, **quiet)

    def samples(self, out: str, arm: str = "none") -> dict[tuple, dict]:
        rows = [
            json.loads(line) for path in self.cwd.glob(f"{out}/cells/*--{arm}--*/samples.jsonl") for line in path.open()
        ]
        return {(row["item"], row["role"], row["repeat"]): row for row in rows}

    def counts(self, out: str) -> dict[str, tuple]:
        rows = [json.loads(line) for path in self.cwd.glob(f"{out}/cells/*/verdicts-*.jsonl") for line in path.open()]
        return {row["item"]: (row["verdict"]["proxy"], row["verdict"]["truth"]) for row in rows}

    def report(self, out: str) -> str:
        return (self.cwd / out / "report" / "report.md").read_text()


@pytest.fixture
def run(tmp_path) -> Run:
    (tmp_path / "registry.toml").write_text(REGISTRY)
    return Run(tmp_path)
