"""One program's traffic as the parent sees it: the payload out, bounded replies in, the clock in between.

The parent makes the pipes and reads them itself; the worker only passes them on. So nothing a program writes, to any
descriptor it can find, reaches another program's pipes or the worker's own socket.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import socket
import time
from collections.abc import Callable
from enum import Enum
from types import TracebackType
from typing import Any, Self

from harness.contract.sandbox import Limits
from harness.sandbox.cgroup import Group
from harness.sandbox.inside.supervisor import MAX_FILES, MAX_PATH

CHUNK = 65536
PATIENCE = 10.0  # times its own time, for a program that hardly gets a processor
LEAST_SECONDS = 0.01
SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL


class End(Enum):
    """Why the parent stopped reading."""

    DONE = "done"
    LATE = "late"
    FLOODED = "flooded"  # more reply than `Limits.reply_bytes`

    def reason(self, limits: Limits) -> str | None:
        """For the report: the limit that ended the program."""
        if self is End.LATE:
            return f"stopped after {limits.seconds:g} s"
        return "stopped: the reply is too long" if self is End.FLOODED else None


class Exchange:
    """The pipes of one program. `method` is "call" (a reply pipe) or "run" (reply, stdout and stderr)."""

    def __init__(self, control: socket.socket, method: str, work: dict[str, Any], limits: Limits) -> None:
        caps = [limits.reply_bytes] + [limits.output_bytes] * (2 if method == "run" else 0)
        if method == "run":
            caps[0] = 6 * MAX_FILES * (limits.output_bytes + MAX_PATH + 1)  # files as JSON, every character escaped
        payload = sealed(json.dumps(work).encode())
        pipes = [os.pipe() for _ in caps]
        self._readers = [reader for reader, _ in pipes]
        self._caps = dict(zip(self._readers, caps, strict=True))
        self._kept = {reader: bytearray() for reader in self._readers}
        for reader in self._readers:
            os.set_blocking(reader, False)
        sent = [payload, *(writer for _, writer in pipes)]
        self.group = Group.of(limits.memory_mb << 20)
        entrance = [self.group.entrance] if self.group else []
        request = {"method": method, "grouped": bool(entrance), **limits.model_dump()}
        try:
            socket.send_fds(control, [json.dumps(request).encode()], [*sent, *entrance])
        except OSError:
            self.close()
            raise
        finally:
            for descriptor in sent:
                os.close(descriptor)

    def read_until(
        self, done: int, seconds: float, waited: Callable[[], float] = lambda: 0.0, *, stopped: bool = False
    ) -> End:
        """Read until the descriptor `done` is readable or the time is up; output over its cap is read and dropped.

        What the program has `waited` for a processor is added to its time, ten times that at most. A reply over its cap
        ends the wait, unless the program has been `stopped` already.
        """
        deadline, added = time.monotonic() + seconds, 0.0
        events = select.poll()
        for descriptor in (done, *self._readers):
            events.register(descriptor, select.POLLIN)
        reply = self._readers[0]
        while True:
            if (left := deadline + added - time.monotonic()) <= 0:
                more = min(waited(), PATIENCE * seconds)
                if more - added < LEAST_SECONDS:
                    return End.LATE
                added = more
                continue
            for descriptor, _ in events.poll(left * 1000):
                if descriptor == done:
                    return End.DONE
                if not self._read(descriptor):
                    events.unregister(descriptor)
            if len(self._kept[reply]) > self._caps[reply] and not stopped:
                return End.FLOODED

    def drain(self) -> list[bytes]:
        """What each pipe held, cut at its cap. To be called when the program is dead."""
        for reader in self._readers:
            while len(self._kept[reader]) <= self._caps[reader] and self._read(reader):
                pass
        return [bytes(self._kept[reader][: self._caps[reader]]) for reader in self._readers]

    def _read(self, reader: int) -> bool:
        try:
            chunk = os.read(reader, CHUNK)
        except BlockingIOError:
            return False
        room = max(0, self._caps[reader] + 1 - len(self._kept[reader]))  # one more than allowed shows a flood
        self._kept[reader] += chunk[:room]
        return bool(chunk)

    @property
    def exceeded(self) -> bool:
        """Whether the program's group ended it for its memory."""
        return self.group is not None and self.group.exceeded

    def close(self) -> None:
        """To be called when the program is dead."""
        for reader in self._readers:
            os.close(reader)
        if self.group:
            self.group.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def sealed(data: bytes) -> int:
    """A descriptor of an anonymous file that holds `data` and that nobody can change."""
    descriptor = os.memfd_create("payload", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, SEALS)
    return descriptor
