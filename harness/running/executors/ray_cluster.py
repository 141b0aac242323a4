"""What the Ray executor needs of Ray, and the only place that imports it: connect, submit, hear, cancel."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from harness.errors import StageError, UsageError, hint
from harness.planning.cells import Cell
from harness.running.executors import Event
from harness.running.executors.changes import Change
from harness.running.executors.messages import WorkerSetup
from harness.running.executors.needs import Needs
from harness.running.executors.on_node import carry_out, fingerprint
from harness.store.remote import STORE

POLL_SECONDS = 1.0
HEAD_SECONDS = 8.0  # without an answer of the head before the run ends; Ray itself ends the process after a minute
GOODBYE_SECONDS = 5.0  # for tasks to end by themselves and clear their scratch folders

Stream = Any  # ray.ObjectRefGenerator
Message = tuple[str, Event | None, list[Change]]  # a node's id, and what it tells; first that it has begun


class Lost(Exception):
    """A task is gone with its process or its node."""


class Refused(Exception):
    """A node cannot run the task."""


class Cluster:
    def __init__(self, ray: Any) -> None:
        self.ray = ray
        self.on_node = ray.remote(max_calls=1)(on_node)  # a fresh process for each model
        self.head = ray.get_runtime_context().gcs_address
        self.lost_head = False
        self._answered = time.monotonic()

    def submit(
        self,
        setup: WorkerSetup,
        cells: Sequence[Cell],
        files: Mapping[str, bytes],
        silence: float,
        wants: Needs,
        slots: int | None,
        home: str | None,
        shunned: set[str],
    ) -> Stream:
        """Where Ray sees fit; preferably at `home`, and preferably on no node of `shunned`."""
        nodes = [node for node in self.ray.nodes() if node["Alive"] and node["Resources"].get("CPU")]
        cpus = self._cpus(nodes, slots)
        self._say_if_too_large(nodes, wants, cpus)
        others = [node["NodeID"] for node in nodes if node["NodeID"] not in shunned] if shunned else []
        place = home if home and home not in shunned else next(iter(others), None)
        affinity = self.ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
        task = self.on_node.options(
            num_cpus=cpus,
            num_gpus=wants.gpus,
            memory=wants.memory,
            max_retries=0,  # the driver submits what is lost again, from where it had come
            num_returns="streaming",
            scheduling_strategy=affinity(place, soft=True) if place else "DEFAULT",
            name=cells[0].id,
        )
        store = os.environ.get(STORE, "")
        rows = [cell.model_dump_json() for cell in cells]
        return task.remote(setup.model_dump_json(), rows, dict(files), silence, fingerprint(), store)

    def heard(self, streams: Sequence[Stream]) -> list[Stream]:
        """Those that have a message, after a while none. Raises StageError if the head is gone."""
        self._check_head()
        ready, _ = self.ray.wait(list(streams), num_returns=1, timeout=POLL_SECONDS)
        return self.ray.wait(list(streams), num_returns=len(streams), timeout=0)[0] if ready else []

    def next_message(self, stream: Stream) -> Message:
        errors = self.ray.exceptions
        try:
            node, event, changes = self.ray.get(next(stream))
        except StopIteration:
            raise Lost("its task ended before it did") from None
        except errors.RayTaskError as error:
            cause = error.cause if isinstance(error.cause, Exception) else error
            own = isinstance(cause, StageError | UsageError)
            raise Refused(str(cause) if own else f"{type(cause).__name__}: {cause}") from None
        except errors.NodeDiedError:
            raise Lost("its node was lost") from None
        except errors.OutOfMemoryError:
            raise Lost("its node ran out of memory") from None
        except errors.RayError as error:
            raise Lost(f"its worker was lost ({type(error).__name__})") from None
        return node, Event.model_validate_json(event) if event else None, [Change(*change) for change in changes]

    def cancel(self, streams: Sequence[Stream]) -> None:
        """End tasks, and wait a little until they are."""
        if self.lost_head:
            return
        for stream in streams:
            self.ray.cancel(stream)
        with suppress(self.ray.exceptions.RayError):
            ended = [stream.completed() for stream in streams]
            self.ray.wait(ended, num_returns=len(ended), timeout=GOODBYE_SECONDS) if ended else None

    def _cpus(self, nodes: Sequence[dict[str, Any]], slots: int | None) -> int:
        """Of a task: its share where their number is given, as on one machine."""
        each = [int(node["Resources"]["CPU"]) for node in nodes] or [1]
        return max(1, min(sum(each) // slots, max(each))) if slots else 1

    def _say_if_too_large(self, nodes: Sequence[dict[str, Any]], wants: Needs, cpus: int) -> None:
        asked = {"CPU": cpus, "GPU": wants.gpus, "memory": wants.memory}
        if not any(all(node["Resources"].get(name, 0) >= least for name, least in asked.items()) for node in nodes):
            hint(f"no node of the cluster has {wants.described}: waiting for one")

    def _check_head(self) -> None:
        """Ray would wait for a lost head, and then end this process with a message of its own."""
        host, _, port = self.head.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=2).close()
            self._answered = time.monotonic()
        except OSError:
            if time.monotonic() - self._answered > HEAD_SECONDS:
                self.lost_head = True
                raise StageError(
                    f"the head of the Ray cluster at {self.head} is gone; what was sampled is kept",
                    "start the cluster, then run the same command again",
                ) from None


@contextmanager
def connected() -> Iterator[Cluster]:
    """By RAY_ADDRESS, to one that runs on this machine, or to a new one on it."""
    try:
        import ray
        import ray.util.scheduling_strategies
    except ImportError:
        raise UsageError("--executor ray needs Ray", "pip install 'goodhart-harness[ray]'") from None
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        ray.init(log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, ValueError, RuntimeError) as error:
        address = os.environ.get("RAY_ADDRESS", "this machine")
        cause = str(error).splitlines()[0]
        raise UsageError(f"no Ray cluster at {address}: {cause}", "`ray start --head` begins one") from None
    cluster = Cluster(ray)
    try:
        yield cluster
    finally:
        if not cluster.lost_head:
            ray.shutdown()


def on_node(
    setup: str, cells: list[str], files: dict[str, bytes], silence: float, planned: str, store: str
) -> Iterator[tuple[str, str, list[tuple]]]:
    """The task, on some node: JSON in, JSON and bytes out."""
    import ray

    node = ray.get_runtime_context().get_node_id()
    yield node, "", []
    told = WorkerSetup.model_validate_json(setup)
    asked = [Cell.model_validate_json(cell) for cell in cells]
    for event, changes in carry_out(told, asked, files, silence, planned, store):
        yield node, event.model_dump_json(), [tuple(change) for change in changes]
