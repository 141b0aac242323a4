"""The weaker sandbox, for machines without bubblewrap: a plain subprocess per program, without namespaces."""

from __future__ import annotations

import ctypes
import json
import os
import secrets
import select
import socket
import stat
import subprocess
import tempfile
from typing import Any

from harness.contract.sandbox import Limits
from harness.errors import UsageError
from harness.sandbox.identity import Uid
from harness.sandbox.inside import landlock
from harness.sandbox.interpreter import Interpreter, this_interpreter
from harness.sandbox.server import ServedSandbox, Server
from harness.sandbox.tools import tools
from harness.sandbox.worker import Ended
from harness.sandbox.zygote_process import DEVICES, INSIDE, PYTHON_OPTIONS

DUMPABLE = 4  # PR_SET_DUMPABLE
LAST_WORD_SECONDS = 0.5
REMEDY = "its user must be able to run that interpreter, or install bubblewrap"


class ProcessSandbox(ServedSandbox):
    """What any user may ask of the kernel: limits, the system-call filter, and Landlock where the kernel has it, for files,
    signals and the memory of other processes. Root's programs each become a user id of their own.

    Without namespaces a program still sees the names, sizes and times of this machine's files and, where it runs under the
    harness's own user, can change times and attributes of that user's; without Landlock it reads them, too.
    """

    kind = "process"

    def __init__(self) -> None:
        super().__init__()
        if os.geteuid() != 0:
            # The programs' user is ours: /proc/PID/mem of this process, with its expected values, is closed to them.
            ctypes.CDLL(None).prctl(DUMPABLE, 0, 0, 0, 0)

    def _open(self) -> Server:
        return Supervisor()

    def _program(self, method: str, work: dict[str, Any], limits: Limits) -> Ended:
        try:
            return super()._program(method, work, limits)
        finally:
            self.close()


class Supervisor(Server):
    """A process that sees one program through, in a folder that goes with it."""

    def __init__(self) -> None:
        self._owner = os.getpid()
        self._uid = Uid.lease()
        # The supervisor makes the folder: one that nobody would remove is not there at any moment.
        self._folder = f"{tempfile.gettempdir()}/harness-program-{secrets.token_hex(8)}"
        self.control, inside = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        python = this_interpreter()
        offered = {name: str(folder) for name, folder in python.offered.items()}
        identity = [] if self._uid is None else [str(self._uid.number), *([] if readable_by_all(python) else ["read"])]
        locks = [self._uid.lock] if self._uid else []
        with inside:
            try:
                self._process = subprocess.Popen(
                    [
                        *(str(python.executable), *PYTHON_OPTIONS, "once"),
                        *(str(inside.fileno()), json.dumps(offered), str(self._owner)),
                        *(json.dumps(fence(python, self._folder)), *identity),
                    ],
                    pass_fds=[inside.fileno(), *locks],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env={"PYTHONHASHSEED": "0", "PYTHONPATH": str(INSIDE.parent)},
                    cwd="/",
                    start_new_session=True,
                )
            except OSError as error:
                raise UsageError(f"the sandbox cannot start {python.executable}: {error.strerror}", REMEDY) from error

        self.pid = self._process.pid

    def end(self) -> None:
        self.control.close()
        if os.getpid() != self._owner:
            return
        done = os.pidfd_open(self._process.pid)
        select.select([done], [], [], LAST_WORD_SECONDS)  # it ends by itself when its work is done
        os.close(done)
        self._process.kill()
        self._process.wait()
        if self._uid:
            end_all_of(self._uid.number)
            self._uid.release()
        subprocess.run(
            ["rm", "-rf", self._folder], stderr=subprocess.DEVNULL, check=False
        )  # at any depth, unlike shutil


def end_all_of(uid: int) -> None:
    """Kill whatever still runs under a user id that is the program's own: it may have killed its supervisor."""
    subprocess.run(["sh", "-c", "kill -9 -1"], user=uid, group=uid, extra_groups=[], cwd="/", check=False)


def fence(python: Interpreter, folder: str) -> dict[str, Any]:
    """What a program may open, for Landlock, which has no way to take a folder out of another: so, one by one."""
    if not landlock.version():
        return {"work": folder}
    library = [entry for path in python.library for entry in path.iterdir() if entry not in python.packages]
    files = (*library, python.executable, *python.shared, *tools().values(), *python.shown_packages())
    return {
        "readable": [str(path) for path in files],
        "devices": [f"/dev/{name}" for name in DEVICES],
        "work": folder,
    }


def readable_by_all(python: Interpreter) -> bool:
    """Whether any user can reach the interpreter and its library (root's own home is private)."""
    paths = [python.executable, *python.library, *python.offered.values()]
    return all(parent.stat().st_mode & stat.S_IXOTH for path in paths for parent in path.parents)
