"""A real S3 server (moto) on loopback, reached through a proxy that refuses requests, is slow and cuts bodies."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time
from collections.abc import Iterator

import pytest

REFUSALS = {
    "503": b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "500": b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
}
SLOW_SECONDS = 1.0


class FlakyProxy:
    """Of eight connections two are refused (503, 500), one is slow and one is cut within its answer."""

    def __init__(self, upstream: int) -> None:
        self.upstream, self.faults, self.rng = upstream, 0, random.Random(1)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            client, _ = self.listener.accept()
            threading.Thread(
                target=self._serve,
                args=(client, self.rng.choice(["503", "500", "cut", "slow", *[""] * 4])),
                daemon=True,
            ).start()

    def _serve(self, client: socket.socket, fault: str) -> None:
        self.faults += bool(fault)
        if fault in REFUSALS:
            client.recv(1 << 16)
            client.sendall(REFUSALS[fault])
            client.close()
            return
        if fault == "slow":
            time.sleep(SLOW_SECONDS)
        server = socket.create_connection(("127.0.0.1", self.upstream))
        threading.Thread(target=_pump, args=(client, server, None), daemon=True).start()
        _pump(server, client, self.rng.randrange(200, 100_000) if fault == "cut" else None)


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
