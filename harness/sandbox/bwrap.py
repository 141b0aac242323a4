"""The default sandbox: a bubblewrap'd zygote that forks a process per program; `strict`: new namespaces for each."""

from __future__ import annotations

import contextlib
from typing import Any

from harness.contract.sandbox import Limits
from harness.errors import StageError
from harness.sandbox.exchange import End, Exchange
from harness.sandbox.worker import Ended, LocalSandbox
from harness.sandbox.zygote_process import Zygote

CLEANUP_SECONDS = 5.0  # for the zygote to kill, collect and wipe; then its namespace goes as a whole
TRIES = 3  # zygotes for one program


class BwrapSandbox(LocalSandbox):
    """Programs share a namespace one after another; between two, everything but the zygote is killed and /tmp wiped.

    Belongs to the thread that opened it: bubblewrap is told to die with that thread.
    """

    kind = "bwrap"

    def __init__(self) -> None:
        self._zygote: Zygote | None = Zygote()

    def _program(self, method: str, work: dict[str, Any], limits: Limits) -> Ended:
        try:
            return self._exchange(method, work, limits)
        except BaseException:  # an interrupt between question and answer: the next program must not read this one's
            self.close()
            raise

    def _exchange(self, method: str, work: dict[str, Any], limits: Limits) -> Ended:
        with self._start(method, work, limits) as exchange:
            zygote = self._worker()
            end = exchange.read_until(zygote.control.fileno(), limits.seconds)
            settled = end is End.DONE
            if not settled:
                zygote.stop_program()
                settled = exchange.read_until(zygote.control.fileno(), CLEANUP_SECONDS, stopped=True) is End.DONE
            status = zygote.status() if settled else None
            if status is None or "unclean" in status:
                self._replace()
            streams = exchange.drain()
        stopped = end.reason(limits)
        if status is None:
            return Ended(-9, streams, end is End.LATE, stopped or "the program took its worker down")
        if status["excess"]:
            stopped = f"stopped: {status['excess']}"
        return Ended(int(str(status["status"])), streams, end is End.LATE, stopped)

    def _start(self, method: str, work: dict[str, Any], limits: Limits) -> Exchange:
        """Hand the program over. A zygote that dies before it runs it died of something else, and is replaced."""
        for _ in range(TRIES):
            zygote = self._worker()
            with contextlib.suppress(OSError):  # dead already
                exchange = Exchange(zygote.control, method, work, limits)
                if zygote.has_started():
                    return exchange
                exchange.close()
            self._replace()
        raise StageError(f"the sandbox lost {TRIES} workers before they ran a program", "free some memory")

    def _worker(self) -> Zygote:
        if self._zygote is None:
            self._zygote = Zygote()
        return self._zygote

    def _replace(self) -> None:
        self.close()
        self.replaced += 1

    def close(self) -> None:
        if self._zygote is not None:
            self._zygote.end()
            self._zygote = None


class StrictSandbox(BwrapSandbox):
    """New user, pid, network, ipc and mount namespaces for every program: nothing is shared, much slower."""

    kind = "strict"

    def _program(self, method: str, work: dict[str, Any], limits: Limits) -> Ended:
        try:
            return super()._program(method, work, limits)
        finally:
            self.close()
