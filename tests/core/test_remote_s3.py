"""A store in S3, served by moto on loopback, reached through a proxy that refuses requests and cuts bodies.

pip install s3fs 'moto[server]'; pytest -m slow tests/core/test_remote_s3.py
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.store.remote import Remote

pytestmark = pytest.mark.slow

BUSY = b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
ARMS = ("--compressor", "rtn3,uniform3", "--temperature", "1")


class FlakyProxy:
    """Of four connections one is refused (503) and one is cut within its answer."""

    def __init__(self, upstream: int) -> None:
        self.upstream, self.faults, self.rng = upstream, 0, random.Random(1)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            client, _ = self.listener.accept()
            threading.Thread(
                target=self._serve, args=(client, self.rng.choice(["503", "cut", "", ""])), daemon=True
            ).start()

    def _serve(self, client: socket.socket, fault: str) -> None:
        self.faults += bool(fault)
        if fault == "503":
            client.recv(1 << 16)
            client.sendall(BUSY)
            client.close()
            return
        server = socket.create_connection(("127.0.0.1", self.upstream))
        threading.Thread(target=_pump, args=(client, server, None), daemon=True).start()
        _pump(server, client, self.rng.randrange(200, 100_000) if fault else None)


def _pump(source: socket.socket, target: socket.socket, limit: int | None) -> None:
    """Pass bytes on until either side ends, or `limit` bytes are through."""
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data[:limit])
            if limit is not None and (limit := limit - len(data)) <= 0:
                break
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, FlakyProxy]]:
    """An empty bucket's URL behind a flaky proxy, credentials in the environment."""
    pytest.importorskip("s3fs", reason="s3fs is not installed")
    server = pytest.importorskip("moto.server", reason="moto[server] is not installed")
    import boto3

    running = server.ThreadedMotoServer(port=0, verbose=False)
    running.start()
    _, port = running.get_host_and_port()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "not-a-secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}").create_bucket(Bucket="shared-models")
    proxy = FlakyProxy(port)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{proxy.port}")
    yield "s3://shared-models/prefix", proxy
    running.stop()


def test_folders_come_back_whole_through_a_flaky_proxy(bucket, tmp_path: Path) -> None:
    url, proxy = bucket
    made = tmp_path / "made"
    made.mkdir()
    for number in range(30):
        (made / f"{number}.bin").write_bytes(os.urandom(50_000))
    store = Remote(url, pause=0.05)
    assert store.push(made, "artefacts/x").files == 30
    store.pull("artefacts/x", tmp_path / "back")
    assert {p.name: p.read_bytes() for p in (tmp_path / "back").iterdir()} == {
        p.name: p.read_bytes() for p in made.iterdir()
    }
    assert proxy.faults > 5


def test_shards_that_share_nothing_but_the_bucket_end_with_the_tables_of_one_run(bucket, cli) -> None:
    url, proxy = bucket
    cli.run(*ARMS)
    whole = [section for section in cli.tables()["sections"] if section["key"] != "trust"]
    for shard in ("1/2", "2/2", None):
        shutil.rmtree(cli.cwd / "r")
        shutil.rmtree(cli.cwd / "cache")
        cli.run(*ARMS, "--store", url, *(["--shard", shard] if shard else []))
    assert [section for section in cli.tables()["sections"] if section["key"] != "trust"] == whole
    assert proxy.faults > 5
    written = b"".join(path.read_bytes() for path in (cli.cwd / "r").rglob("*") if path.is_file())
    assert b"not-a-secret" not in written
