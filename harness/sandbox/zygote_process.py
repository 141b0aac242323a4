"""Starting and ending a bubblewrap'd zygote: namespaces, user ids, mounts, and the socket that leads to it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
from io import FileIO
from pathlib import Path
from typing import NamedTuple

from harness.errors import UsageError
from harness.sandbox.exchange import sealed
from harness.sandbox.identity import Uid
from harness.sandbox.inside import seccomp
from harness.sandbox.interpreter import Interpreter, this_interpreter
from harness.sandbox.server import Server
from harness.sandbox.tools import tools

INSIDE = Path(__file__).with_name("inside")
DEVICES = ("null", "zero", "full", "urandom")
LIBRARIES = "/libraries"  # where the sandbox has what it offers
START_SECONDS = 30.0
REMEDY = (
    "it needs version 0.8 or newer and unprivileged user namespaces; in a container: "
    "--security-opt seccomp=unconfined; on Ubuntu: sysctl kernel.apparmor_restrict_unprivileged_userns=0; "
    "`--sandbox process` runs without it, weaker"
)
INSIDE_UID = 1
PYTHON_OPTIONS = ("-P", "-s", "-S", "-B", "-m", "inside.zygote")


class Zygote(Server):
    """A running zygote, PID 1 of its namespace: ending it ends everything inside.

    Raises UsageError when bubblewrap is missing or this machine does not let it make namespaces.
    """

    def __init__(self) -> None:
        bwrap = shutil.which("bwrap")
        if bwrap is None:
            raise UsageError(
                "bubblewrap is not installed",
                "apt, dnf or pacman install bubblewrap; `--sandbox process` runs without it, weaker",
            )
        if not seccomp.supported():
            raise UsageError(
                "the sandbox has no system-call filter for this processor", "`--sandbox process` runs without, weaker"
            )
        self.control, inside = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._pidfd: int | None = None
        self._owner = os.getpid()
        with contextlib.ExitStack() as stack:
            stack.enter_context(inside)
            modules = {file.name: stack.enter_context(sealed_file(file.read_bytes())) for file in INSIDE.glob("*.py")}
            told, tell, go, release = (stack.enter_context(end) for end in (*pipe(), *pipe()))
            self._uid = Uid.lease()
            given = Given(inside.fileno(), tell.fileno(), go.fileno())
            sources = {name: source.fileno() for name, source in modules.items()}
            locks = [self._uid.lock] if self._uid else []
            self._monitor = subprocess.Popen(
                command(bwrap, this_interpreter(), given, sources, root=self._uid is not None),
                pass_fds=[*given, *sources.values(), *locks],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env={},
                cwd="/",
            )
            inside.close()
            tell.close()
            try:
                self.pid = json.loads(read_info(told.fileno()))["child-pid"]
                self._pidfd = os.pidfd_open(self.pid)
                if self._uid is not None:
                    for table in ("uid_map", "gid_map"):
                        Path(f"/proc/{self.pid}/{table}").write_text(f"0 0 1\n{INSIDE_UID} {self._uid.number} 1\n")
                release.write(b"x")
                self._await_ready()
            except (OSError, ValueError) as error:
                raise UsageError(f"bubblewrap cannot start here: {self._last_words() or error}", REMEDY) from error

    def _await_ready(self) -> None:
        self.control.settimeout(START_SECONDS)
        if self.control.recv(64) != b"ready":
            raise OSError("the zygote hung up")

    def _last_words(self) -> str:
        self._kill()
        assert self._monitor.stderr is not None
        lines = self._monitor.stderr.read().decode(errors="replace").strip().splitlines()
        self.end()
        return lines[-1] if lines else ""

    def end(self) -> None:
        if os.getpid() == self._owner:
            self._kill()
        if self._uid is not None:
            self._uid.release()
        self.control.close()
        if self._pidfd is not None:
            os.close(self._pidfd)
        assert self._monitor.stderr is not None
        self._monitor.stderr.close()

    def _kill(self) -> None:
        if self._pidfd is None:
            self._monitor.kill()
        else:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        self._monitor.wait()


class Given(NamedTuple):
    """Descriptors that bubblewrap inherits."""

    control: int
    info: int
    wait_for_ids: int


def command(bwrap: str, python: Interpreter, given: Given, sources: dict[str, int], *, root: bool) -> list[str]:
    """The bubblewrap command line. Started by root, it waits until the caller has mapped the user ids.

    The zygote keeps, in its own namespaces, the rights to build cells and to count what programs hold.
    """
    arguments = ["--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    arguments += ["--unshare-cgroup-try", "--as-pid-1", "--die-with-parent", "--new-session", "--hostname", "sandbox"]
    arguments += ["--info-fd", str(given.info), "--cap-drop", "ALL"]
    arguments += ["--cap-add", "CAP_SYS_ADMIN", "--cap-add", "CAP_SYS_PTRACE"]
    if root:
        arguments += f"--userns-block-fd {given.wait_for_ids} --cap-add CAP_SETUID --cap-add CAP_SETGID".split()
    else:
        arguments += ["--uid", str(INSIDE_UID), "--gid", str(INSIDE_UID)]
    arguments += mounts(python)
    for name, source in sources.items():
        arguments += ["--ro-bind-data", str(source), f"/harness/inside/{name}"]
    arguments += ["--remount-ro", "/", "--chdir", "/"]
    # -I would ignore the hash seed, too; without it but with an otherwise empty environment, -P -s are what is left of -I.
    arguments += ["--clearenv", "--setenv", "PYTHONHASHSEED", "0", "--setenv", "PYTHONPATH", "/harness"]
    arguments += ["--", str(python.executable), *PYTHON_OPTIONS, "serve", str(given.control)]
    arguments.append(json.dumps({name: f"{LIBRARIES}/{name}" for name in python.offered}))
    return [bwrap, *arguments] + ([str(INSIDE_UID)] if root else [])


def mounts(python: Interpreter) -> list[str]:
    """The interpreter, the tools and the libraries that are offered, read-only; four devices, which the zygote makes
    read-only; and where cells mount."""
    shown = {path: path for path in (*python.library, python.executable, *python.shared)} | tools()
    devices = [Path("/dev") / name for name in DEVICES]
    parents = {parent for path in (*shown, *devices) for parent in path.parents if parent != Path("/")}
    arguments: list[str] = []
    for parent in sorted(parents):  # bubblewrap would copy the mode of a private home folder
        arguments += ["--perms", "0755", "--dir", str(parent)]
    for path, source in shown.items():
        arguments += ["--ro-bind", str(source), str(path)]
    for hidden in python.packages:
        arguments += ["--tmpfs", str(hidden), "--remount-ro", str(hidden)]
    arguments += [
        "--perms",
        "0755",
        "--dir",
        LIBRARIES,
    ]  # their own place may be hidden, or below /tmp, which cells cover
    for path in python.shown_packages():
        arguments += ["--ro-bind", str(path), f"{LIBRARIES}/{path.name}"]
    for device in devices:
        arguments += ["--dev-bind", str(device), str(device)]
    return [*arguments, "--proc", "/proc", "--dir", "/tmp", "--perms", "0755", "--dir", "/harness/inside"]


def read_info(descriptor: int) -> bytes:
    """bubblewrap's JSON about the container, written in pieces."""
    data = b""
    events = select.poll()
    events.register(descriptor, select.POLLIN)
    while data.count(b"{") != data.count(b"}") or not data:
        if not events.poll(START_SECONDS * 1000) or not (piece := os.read(descriptor, 4096)):
            break
        data += piece
    return data


def pipe() -> tuple[FileIO, FileIO]:
    """A pipe whose ends can be closed twice: descriptors are reused at once by other threads."""
    reader, writer = os.pipe()
    return FileIO(reader), FileIO(writer, "w")


def sealed_file(data: bytes) -> FileIO:
    descriptor = sealed(data)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return FileIO(descriptor)
