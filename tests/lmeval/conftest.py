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

START_SECONDS = 120.0

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
    process: subprocess.Popen | None = field(default=None)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def args(self, **more: object) -> str:
        """As --backend-args."""
        given = {"model": self.folder, "base_url": self.url, **more}
        return ",".join(f"{name}={value}" for name, value in given.items())

    def start(self) -> None:
        command = [
            sys.executable, "-m", "transformers.cli.transformers", "serve", str(self.folder), "--host", "127.0.0.1",
            "--port", str(self.port), "--device", "cpu", "--dtype", "float32",
        ]  # fmt: skip
        env = {**os.environ, "HF_HUB_OFFLINE": "1", "TQDM_DISABLE": "1"}
        with self.log.open("a") as log:
            self.process = subprocess.Popen(command, env=env, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            with contextlib.suppress(OSError, urllib.error.URLError):
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=2).close()
                return
            time.sleep(0.1)
        raise AssertionError(f"no server within {START_SECONDS} s: {self.log.read_text()[-3000:]}")

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
    from harness.models import resolve

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
