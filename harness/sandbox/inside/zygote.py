"""The inside of the sandbox: a zygote that makes a place of its own for every program.

    python -P -s -S -m inside.zygote serve FD OFFERED [UID]

FD is a SOCK_SEQPACKET socket to the harness, OFFERED the libraries that programs may import, as JSON (`offered`), UID whom to
become when started by root. The zygote is PID 1 of bubblewrap's
namespaces. A *cell* is a place for one program: a process namespace with an init of its own, a mount namespace with an empty
/tmp and a /proc of its own. Cells are built ahead, so that a program finds one ready.
Nothing that a program can write outlives its cell: not the number of its process, nor the inodes, times and attributes of
/tmp. What no namespace holds (sockets, queues, keys, locks, watches, the kernel's log) the filter refuses.

A request is a JSON packet (what to do, limits) with descriptors attached: the program's payload, its reply pipe and, for
scripts, stdout and stderr. The payload is read by the program's process alone. Expected values never come here at all.
"""

# The zygote stays small: no pathlib or contextlib for one line each.
# ruff: noqa: PTH102, PTH123, PTH208

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import sys

from . import kernel, once, program, seccomp
from .holdings import held
from .offered import offer
from .supervisor import STARTED, receive, see_through

TMP = "/tmp"
WORK = "/tmp/work"
TMP_OPTIONS = "size=64m,nr_inodes=10000,mode=1777"  # all that a program can store
BYSTANDERS = 4  # processes of the same user beside a program's: the zygote, its init, the waiting cell's two
FOR_PROGRAMS = seccomp.program() if seccomp.supported() else b""
LIKELIEST_VICTIM = "1000"  # of the kernel when memory runs out


class Cell:
    """A place for one program, and the program's process waiting in it. `here` is true in that process, and false in the
    zygote, which talks to it over `line`."""

    def __init__(self, control, *others) -> None:
        self._init = kernel.Init()
        self.line, inside = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.child = kernel.fork_into(self._init.pid)
        self.here = self.child == 0
        if not self.here:
            inside.close()
            return
        self.line.close()
        self.line = inside
        for end in (control, *(other.line for other in others)):
            end.close()
        os.closerange(3, inside.fileno())
        os.closerange(inside.fileno() + 1, 256)
        furnish()
        strip()
        kept = [os.open(TMP, os.O_RDONLY | os.O_DIRECTORY), os.open("/proc/self/ns/mnt", os.O_RDONLY)]
        socket.send_fds(inside, [b"built"], kept)
        for descriptor in kept:
            os.close(descriptor)
        kernel.refuse_calls(FOR_PROGRAMS)

    def wait_until_built(self):
        word, descriptors, _, _ = socket.recv_fds(self.line, 64, 2)
        if word != b"built":
            os._exit(1)  # it has said why
        self._tmp, self._mounts = descriptors  # held, the mounts are taken down at `close`, not when the program ends

    def hand_over(self, request, descriptors):
        socket.send_fds(self.line, [json.dumps(request).encode()], descriptors)
        self.line.close()

    def excess(self, memory, bystanders):
        """What no resource limit covers: `held`, and files."""
        strangers = {1, self._init.pid, *bystanders}
        program = [name for name in os.listdir("/proc") if name.isdigit() and int(name) not in strangers]
        tmp = os.fstatvfs(self._tmp)
        return held(program) + (tmp.f_blocks - tmp.f_bfree) * tmp.f_frsize > memory

    def end(self):
        """Kill all that the program started. Its files stay until `close`."""
        self._init.kill()

    def abandon(self):
        os._exit(0)  # and with PID 1 every process of this namespace and those below

    def work_folder(self):
        return os.open("work", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=self._tmp)

    def close(self):
        """Returns when all of it is gone."""
        self._init.wait()
        os.close(self._tmp)
        os.close(self._mounts)

    def members(self):
        return self.child, self._init.pid


def furnish():
    """An empty /tmp, a /proc that shows this process namespace and nothing of the machine, a working folder."""
    kernel.unshare(kernel.NEW_MOUNTS)
    kernel.mount("tmpfs", TMP, kernel.NO_SUID | kernel.NO_DEVICES, TMP_OPTIONS)
    kernel.mount("proc", "/proc", kernel.NO_SUID | kernel.NO_DEVICES | kernel.NO_EXECUTABLES, "subset=pid")
    os.mkdir(WORK, 0o700)
    os.chdir(WORK)


def strip():
    """A session of its own and no capability: what the filter still allows the zygote, the kernel then refuses."""
    os.setsid()
    kernel.keep_only()
    kernel.prctl(kernel.DUMPABLE, 1)
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write(LIKELIEST_VICTIM)


def serve(control):
    """A cell per program until the harness hangs up. Returns, only in the program's process, request and descriptors."""
    waiting: list[Cell] = []
    for _ in range(2):  # one is taken, one stays; between programs there is time to build another
        if (cell := Cell(control, *waiting)).here:
            return receive(cell.line)
        waiting.append(cell)
    waiting[0].wait_until_built()
    control.send(b"ready")
    while True:
        request, descriptors = receive(control)
        if request is None:
            os._exit(0)
        busy, other = waiting
        request["processes"] += BYSTANDERS
        busy.hand_over(request, descriptors)
        control.send(STARTED)
        see_through(control, request, descriptors, busy, other.members())
        busy.close()
        if (cell := Cell(control, other)).here:
            return receive(cell.line)
        other.wait_until_built()
        waiting = [other, cell]


def harden():
    """Keep programs, which run under the same uid, away from this process and from the cells."""
    if os.getpid() != 1:
        sys.exit("zygote: not PID 1 of a namespace, and it will kill every process it can see")
    kernel.prctl(kernel.DUMPABLE, 0)  # /proc/1/{mem,fd,…} and ptrace are refused
    kernel.prctl(kernel.PDEATHSIG, signal.SIGKILL)  # giving up root has cleared bubblewrap's
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}:
        signal.signal(number, signal.SIG_DFL)  # the kernel drops unhandled signals to PID 1 from inside its namespace


def drop_privileges(uid):
    """Started by root: give it up for good, but for what building cells and counting memory takes in this namespace."""
    kernel.prctl(kernel.KEEPCAPS, 1)
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    kernel.keep_only(kernel.SYS_ADMIN, kernel.SYS_PTRACE)


def main():
    role, control_fd, offered, *identity = sys.argv[1:]
    os.closerange(3, int(control_fd))  # what starting it took
    os.closerange(int(control_fd) + 1, 256)
    control = socket.socket(fileno=int(control_fd))
    os.environ.clear()
    sys.path.pop(0)  # where this package lies
    offer(json.loads(offered))
    if role == "once":
        request, descriptors = once.serve_one(control, *identity)
    else:
        if identity:
            drop_privileges(int(identity[0]))
        harden()
        for device in os.listdir("/dev"):
            kernel.make_read_only(f"/dev/{device}")
        kernel.refuse_calls(seccomp.program(zygote=True))
        gc.collect()
        gc.freeze()  # leave shared pages alone in the forks
        request, descriptors = serve(control)
    work, reply = program.become_program(request, descriptors)
    if request["method"] == "call":
        program.answer(work, reply)
    return work


if __name__ == "__main__":
    program.run_script(main())
