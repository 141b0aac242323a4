"""The weaker sandbox, for machines without bubblewrap: one plain subprocess per program, with resource limits."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from typing import Any

from harness.contract.sandbox import Limits
from harness.sandbox import zygote
from harness.sandbox.exchange import End, Exchange
from harness.sandbox.identity import unassigned_uid
from harness.sandbox.interpreter import this_interpreter
from harness.sandbox.worker import Ended, LocalSandbox


class ProcessSandbox(LocalSandbox):
    """No namespace: a program sees this machine's files, network and processes, with the rights of its user.

    Root's programs become an unassigned user (who may read everything where the interpreter lies in root's home). A
    program that leaves its session survives its end. The oracle's contract holds: expected values stay in the parent.
    """

    kind = "process"

    def _program(self, method: str, work: dict[str, Any], limits: Limits) -> Ended:
        uid = unassigned_uid()
        with working_folder(uid) as folder:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with ours, theirs, Exchange(ours, method, work, limits) as exchange:
                process = start(theirs, folder, uid)
                theirs.close()
                done = os.pidfd_open(process.pid)
                end = exchange.read_until(done, limits.seconds)
                os.close(done)
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)  # not yet waited for, so the id is still its own
                status = process.wait()
                streams = exchange.drain()
            if method == "run":
                with contextlib.suppress(OSError):  # it may have removed the folder
                    streams[0] = json.dumps(zygote.collect_files(folder, limits.output_bytes)).encode()
        return Ended(status, streams, end is End.LATE, end.reason(limits))

    def close(self) -> None:
        """Nothing outlives a call."""


@contextlib.contextmanager
def working_folder(uid: int | None) -> Iterator[str]:
    folder = tempfile.mkdtemp(prefix="harness-program-")
    try:
        if uid is not None:
            os.chown(folder, uid, uid)
        yield folder
    finally:
        subprocess.run(["rm", "-rf", folder], stderr=subprocess.DEVNULL, check=False)  # at any depth, unlike shutil


def start(control: socket.socket, folder: str, uid: int | None) -> subprocess.Popen[bytes]:
    python = str(this_interpreter().executable)
    identity = [] if uid is None else [str(uid)] if readable_by_all() else [str(uid), "read"]
    return subprocess.Popen(
        [python, "-P", "-s", "-S", "-B", zygote.__file__, "once", str(control.fileno()), *identity],
        pass_fds=[control.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"PYTHONHASHSEED": "0"},
        cwd=folder,
        start_new_session=True,
    )


def readable_by_all() -> bool:
    """Whether any user can reach the interpreter and its library (root's own home is private)."""
    paths = [this_interpreter().executable, *this_interpreter().library]
    return all(parent.stat().st_mode & stat.S_IXOTH for path in paths for parent in path.parents)
