"""The default sandbox: a bubblewrap'd zygote with a place of its own for every program; `strict`: nothing is shared."""

from __future__ import annotations

from typing import Any

from harness.contract.sandbox import Limits
from harness.sandbox.server import ServedSandbox
from harness.sandbox.worker import Ended
from harness.sandbox.zygote_process import Zygote


class BwrapSandbox(ServedSandbox):
    """Every program has process, mount, ipc and user namespaces of its own, forked from one interpreter. They share a
    network namespace without a device, in which they cannot make a socket.

    Belongs to the thread that opened it: bubblewrap is told to die with that thread.
    """

    kind = "bwrap"

    def __init__(self) -> None:
        super().__init__()
        self._server = Zygote()

    def _open(self) -> Zygote:
        return Zygote()


class StrictSandbox(BwrapSandbox):
    """A fresh interpreter in fresh namespaces of every kind for every program: slower, by the interpreter's start."""

    kind = "strict"

    def _program(self, method: str, work: dict[str, Any], limits: Limits) -> Ended:
        try:
            return super()._program(method, work, limits)
        finally:
            self.close()
