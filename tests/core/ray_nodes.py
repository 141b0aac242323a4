"""A Ray cluster of processes on this machine, whose nodes share no cache and can be killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

STORE_BYTES = 80 << 20  # of a node's shared memory


class Nodes:
    """A head without CPUs, and nodes with one each and a cache of their own below `folder`."""

    def __init__(self, folder: Path) -> None:
        from ray.cluster_utils import Cluster

        self.folder = folder
        head = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": STORE_BYTES}
        self.cluster = Cluster(initialize_head=True, head_node_args=head)
        self.alive: list[Any] = []
        self.begun = 0

    @property
    def address(self) -> str:
        return self.cluster.address

    def fill(self, count: int, **env: str) -> None:
        """Begin nodes until there are so many."""
        while len(self.alive) < count:
            self.begun += 1
            cache = str(self.folder / f"node-{self.begun}" / "cache")
            own = {"HARNESS_CACHE": cache, "RAY_worker_niceness": "0", **env}  # not behind all else that runs here
            self.alive.append(self.cluster.add_node(num_cpus=1, object_store_memory=STORE_BYTES, env_vars=own))

    def kill_node(self) -> None:
        self.cluster.remove_node(self.alive.pop(0), allow_graceful=False)

    def kill_all_nodes(self) -> None:
        while self.alive:
            self.kill_node()

    def kill_head(self) -> None:
        self.cluster.head_node.kill_all_processes(check_alive=False, allow_graceful=False)

    def kill_worker(self) -> None:
        """The process that carries cells out."""
        os.kill(self.workers()[0], signal.SIGKILL)

    def kill_task(self) -> None:
        """Ray's process above it."""
        os.kill(_parent(self.workers()[0]), signal.SIGKILL)

    def workers(self) -> list[int]:
        """Of all nodes that this cluster has had."""
        mark = f"HARNESS_CACHE={self.folder}/node-".encode()
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                ours = b"harness.running.executors.worker" in (process / "cmdline").read_bytes()
                if ours and mark in (process / "environ").read_bytes():
                    found.append(int(process.name))
        return found

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self.cluster.shutdown()


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@contextlib.contextmanager
def ended(process: subprocess.Popen) -> Iterator[subprocess.Popen]:
    """Whatever happens, the process does not outlive the block."""
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def wait_for(condition: Callable[[], object], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.1)
