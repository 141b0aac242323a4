"""One program without namespaces: a supervisor, and below it the program, fenced by what any user may ask of the kernel.

    python -P -s -S -m inside.zygote once FD OFFERED PARENT FENCE [UID [read]]

The supervisor dies with its harness, PARENT, and takes all that the program started with it. FENCE is JSON: the paths that
the program may read, devices it may use, and its working folder, which the supervisor makes. OFFERED is `zygote`'s. UID is
whom to become when started by root, "read" keeps the right to read where the interpreter lies in root's own home.
"""

# ruff: noqa: PTH102, PTH116, PTH123, PTH208

from __future__ import annotations

import json
import os
import signal
import socket
import time

from . import kernel, landlock, seccomp
from .holdings import held
from .supervisor import STARTED, receive, see_through

KILL_SECONDS = 4.0


class Family:
    """What a supervisor supervises: every process below it, since orphans become its children."""

    def __init__(self, child, work) -> None:
        self.child = child
        self._work = work

    def excess(self, memory, _bystanders):
        return held(map(str, below(os.getpid()))) > memory

    def end(self):
        deadline = time.monotonic() + KILL_SECONDS
        while time.monotonic() < deadline:
            for pid in below(os.getpid()):
                try:
                    os.kill(pid, signal.SIGKILL)
                except OSError:
                    continue
            try:
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            except ChildProcessError:
                return
            time.sleep(0.001)

    def abandon(self, *_signal):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the line may break before the signal of the same death comes
        self.end()
        os.chdir("/")
        os.execv("/bin/rm", ["rm", "-rf", self._work])

    def work_folder(self):
        return os.open(self._work, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)


def below(pid):
    found: list[int] = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as file:
                found += map(int, file.read().split())
    except OSError:
        pass
    return found + [lower for child in found for lower in below(child)]


def serve_one(control, parent, fence, *identity):
    """Returns, only in the program's process, request and descriptors."""
    fence = json.loads(fence)
    if identity:
        drop_privileges(int(identity[0]), may_read=len(identity) > 1)
    os.mkdir(fence["work"], 0o700)
    os.chdir(fence["work"])
    kernel.prctl(kernel.SUBREAPER, 1)
    rules = seccomp.program() if seccomp.supported() else b""
    to_program, inside = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    supervisor, child = os.getpid(), os.fork()
    if child == 0:
        control.close()
        to_program.close()
        kernel.die_with(supervisor)
        others = tasks_of(os.getuid()) - 1  # the limit on processes counts all that this user runs
        put_up(fence, rules)
        request, descriptors = receive(inside)
        inside.close()
        if request is None:
            os._exit(0)
        return {**request, "processes": request["processes"] + others}, descriptors
    inside.close()
    family = Family(child, fence["work"])
    signal.signal(signal.SIGTERM, family.abandon)
    kernel.prctl(kernel.PDEATHSIG, signal.SIGTERM)  # a fork of the harness may hold its end of the line open
    if os.getppid() != int(parent):
        family.abandon()
    request, descriptors = receive(control)
    if request is None:
        family.abandon()
    socket.send_fds(to_program, [json.dumps(request).encode()], descriptors)
    control.send(STARTED)
    see_through(control, request, descriptors, family)
    os._exit(0)


def put_up(fence, rules):
    kernel.prctl(kernel.NO_NEW_PRIVS, 1)
    if landlock.version():
        landlock.restrict(fence["readable"], fence["devices"], fence["work"])
    if rules:
        kernel.refuse_calls(rules)


def tasks_of(uid):
    """Processes and threads that this user runs, as RLIMIT_NPROC counts them."""
    found = 0
    for pid in os.listdir("/proc"):
        try:
            if pid.isdigit() and os.stat(f"/proc/{pid}/task").st_uid in (uid, 0):
                with open(f"/proc/{pid}/status") as file:
                    fields = dict(line.split(":", 1) for line in file if ":" in line)
                if int(fields["Uid"].split()[0]) == uid:
                    found += int(fields["Threads"])
        except OSError:
            continue  # it has just exited
    return found


def drop_privileges(uid, *, may_read):
    if may_read:
        kernel.prctl(kernel.KEEPCAPS, 1)
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    if may_read:
        kernel.keep_only(kernel.DAC_READ_SEARCH)
