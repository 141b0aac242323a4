"""A process that sees programs through, as the harness speaks to it, and what all local kinds of sandbox do with one."""

from __future__ import annotations

import contextlib
import json
import socket
from abc import abstractmethod
from typing import Any

from harness.contract.sandbox import Limits
from harness.errors import StageError
from harness.sandbox.exchange import End, Exchange
from harness.sandbox.inside.supervisor import STARTED, STOP
from harness.sandbox.waiting import waited
from harness.sandbox.worker import Ended, LocalSandbox

CLEANUP_SECONDS = 5.0  # for the server to kill and collect; then it goes with all that is below it
TRIES = 3  # servers for one program


class Server:
    """The other end of `control` takes requests one after another and says how each program ended. `pid` is its number out
    here."""

    control: socket.socket
    pid: int

    def has_started(self) -> bool:
        """Wait for word that the program sent last runs. False: the server was dead or dying before it took it."""
        try:
            return self.control.recv(64) == STARTED
        except OSError:
            return False

    def status(self) -> dict[str, Any] | None:
        """The server's word on the program that has just ended; None if it died instead."""
        try:
            packet = self.control.recv(4096)
        except OSError:
            return None
        return json.loads(packet) if packet else None

    def stop_program(self) -> None:
        with contextlib.suppress(OSError):
            self.control.send(STOP)

    @abstractmethod
    def end(self) -> None:
        """Kill it and all that is below it; returns when all of it is gone. A fork of the owner only lets go."""


class ServedSandbox(LocalSandbox):
    """A kind says how its server is opened."""

    def __init__(self) -> None:
        self._server: Server | None = None

    @abstractmethod
    def _open(self) -> Server:
        """Raises UsageError where this machine cannot run it."""

    def _program(self, method: str, work: dict[str, Any], limits: Limits) -> Ended:
        try:
            return self._exchange(method, work, limits)
        except BaseException:  # an interrupt between question and answer: the next program must not read this one's
            self.close()
            raise

    def _exchange(self, method: str, work: dict[str, Any], limits: Limits) -> Ended:
        with self._start(method, work, limits) as exchange:
            server = self._worker()
            end = exchange.read_until(server.control.fileno(), limits.seconds, lambda: waited(server.pid))
            settled = end is End.DONE
            if not settled:
                server.stop_program()
                settled = exchange.read_until(server.control.fileno(), CLEANUP_SECONDS, stopped=True) is End.DONE
            status = server.status() if settled else None
            if status is None:
                self._replace()
            streams = exchange.drain()
            excess = (status or {}).get("excess") or (exchange.exceeded and f"more than {limits.memory_mb} MB in use")
        stopped = f"stopped: {excess}" if excess else end.reason(limits)
        if status is None:
            return Ended(-9, streams, end is End.LATE, stopped or "the program took its worker down")
        return Ended(int(str(status["status"])), streams, end is End.LATE, stopped)

    def _start(self, method: str, work: dict[str, Any], limits: Limits) -> Exchange:
        """Hand the program over. A server that dies before it runs it died of something else, and is replaced."""
        for _ in range(TRIES):
            server = self._worker()
            with contextlib.suppress(OSError):  # dead already
                exchange = Exchange(server.control, method, work, limits)
                if server.has_started():
                    return exchange
                exchange.close()
            self._replace()
        raise StageError(f"the sandbox lost {TRIES} workers before they ran a program", "free some memory")

    def _worker(self) -> Server:
        if self._server is None:
            self._server = self._open()
        return self._server

    def _replace(self) -> None:
        self.close()
        self.replaced += 1

    def close(self) -> None:
        if self._server is not None:
            self._server.end()
            self._server = None
