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
from pathlib import Path

from harness.errors import UsageError
from harness.sandbox import seccomp
from harness.sandbox.exchange import sealed
from harness.sandbox.identity import unassigned_uid
from harness.sandbox.interpreter import Interpreter, this_interpreter

SOURCE = Path(__file__).with_name("zygote.py")
DEVICES = ("null", "zero", "full", "random", "urandom")
TMP_BYTES = 64 << 20  # all that a program can store
START_SECONDS = 30.0
REMEDY = (
    "it needs version 0.8 or newer and unprivileged user namespaces; in a container: "
    "--security-opt seccomp=unconfined; on Ubuntu: sysctl kernel.apparmor_restrict_unprivileged_userns=0; "
    "`--sandbox process` runs without it, weaker"
)
INSIDE_UID = 1


class Zygote:
    """A running zygote, PID 1 of its namespace: ending it ends everything inside. `control` is the socket to it.

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
        with contextlib.ExitStack() as stack:
            stack.callback(inside.close)
            files = [sealed(SOURCE.read_bytes()), sealed(seccomp.program())]
            told, tell = os.pipe()
            go, release = os.pipe()
            for descriptor in (*files, told, tell, go, release):
                stack.callback(close_quietly, descriptor)
            for descriptor in files:
                os.lseek(descriptor, 0, os.SEEK_SET)
            uid = unassigned_uid()
            self._monitor = subprocess.Popen(
                command(bwrap, this_interpreter(), inside.fileno(), files, tell, None if uid is None else go),
                pass_fds=[inside.fileno(), *files, tell, go],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env={},
                cwd="/",
            )
            inside.close()
            os.close(tell)
            try:
                pid = json.loads(read_info(told))["child-pid"]
                self._pidfd = os.pidfd_open(pid)
                if uid is not None:
                    for table in ("uid_map", "gid_map"):
                        Path(f"/proc/{pid}/{table}").write_text(f"0 0 1\n{INSIDE_UID} {uid} 1\n")
                    os.write(release, b"x")
                self._await_ready()
            except (OSError, ValueError) as error:
                raise UsageError(
                    f"bubblewrap cannot start here: {self._last_words() or error}",
                    REMEDY,
                ) from error

    def _await_ready(self) -> None:
        self.control.settimeout(START_SECONDS)
        if self.control.recv(64) != b"ready":
            raise OSError("the zygote hung up")
        self.control.settimeout(None)

    def _last_words(self) -> str:
        self.end()
        assert self._monitor.stderr is not None
        lines = self._monitor.stderr.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""

    def status(self) -> dict[str, object] | None:
        """The zygote's word on the program that has just ended; None if it died instead."""
        try:
            packet = self.control.recv(4096)
        except OSError:
            return None
        return json.loads(packet) if packet else None

    def stop_program(self) -> None:
        with contextlib.suppress(OSError):
            self.control.send(b"stop")

    def end(self) -> None:
        """Kill the zygote, and with it its namespaces; returns when all of it is gone."""
        self.control.close()
        if self._pidfd is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
            os.close(self._pidfd)
            self._pidfd = None
        else:
            self._monitor.kill()
        self._monitor.wait()


def command(
    bwrap: str, python: Interpreter, control: int, files: list[int], info: int, wait_for_ids: int | None
) -> list[str]:
    """The bubblewrap command line. Started by root, the caller maps user ids and then writes to `wait_for_ids`."""
    source, system_calls = files
    arguments = ["--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    arguments += ["--unshare-cgroup-try", "--as-pid-1", "--die-with-parent", "--new-session", "--hostname", "sandbox"]
    arguments += ["--info-fd", str(info), "--seccomp", str(system_calls), "--cap-drop", "ALL"]
    if wait_for_ids is None:
        arguments += ["--uid", str(INSIDE_UID), "--gid", str(INSIDE_UID)]
    else:
        arguments += ["--userns-block-fd", str(wait_for_ids), "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    arguments += mounts(python)
    arguments += ["--ro-bind-data", str(source), "/zygote.py", "--remount-ro", "/", "--chdir", "/"]
    # -I would ignore the hash seed, too; without it but with an empty environment, -P -s are what is left of -I.
    arguments += ["--clearenv", "--setenv", "PYTHONHASHSEED", "0"]
    arguments += ["--", str(python.executable), "-P", "-s", "-S", "-B", "/zygote.py", "serve", str(control)]
    return [bwrap, *arguments] + ([] if wait_for_ids is None else [str(INSIDE_UID)])


def mounts(python: Interpreter) -> list[str]:
    """The interpreter read-only, five devices, this namespace's /proc, and one small writable /tmp."""
    shown = [*python.library, python.executable, *python.shared]
    devices = [Path("/dev") / name for name in DEVICES]
    parents = {parent for path in (*shown, *devices) for parent in path.parents if parent != Path("/")}
    arguments: list[str] = []
    for parent in sorted(parents):  # bubblewrap would copy the mode of a private home folder
        arguments += ["--perms", "0755", "--dir", str(parent)]
    for path in shown:
        arguments += ["--ro-bind", str(path), str(path)]
    for hidden in python.packages:
        arguments += ["--tmpfs", str(hidden), "--remount-ro", str(hidden)]
    for device in devices:
        arguments += ["--dev-bind", str(device), str(device)]
    return [*arguments, "--proc", "/proc", "--size", str(TMP_BYTES), "--perms", "1777", "--tmpfs", "/tmp"]


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


def close_quietly(descriptor: int) -> None:
    with contextlib.suppress(OSError):
        os.close(descriptor)
