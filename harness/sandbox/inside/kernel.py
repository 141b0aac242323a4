"""System calls for which the standard library has no name. Each raises OSError when the kernel refuses."""

from __future__ import annotations

import ctypes
import os
import signal
import struct

SHARED_MEMORY, NEW_MOUNTS, NEW_PIDS = 0x700, 0x20000, 0x20000000  # CLONE_{VM,FS,FILES}, CLONE_NEW*
STACK_BYTES = 1 << 15
NO_SUID, NO_DEVICES, NO_EXECUTABLES = 2, 4, 8  # MS_*
SYS_ADMIN, SYS_PTRACE, DAC_READ_SEARCH = 21, 19, 2  # CAP_*
PDEATHSIG, DUMPABLE, KEEPCAPS, SECCOMP, SUBREAPER, NO_NEW_PRIVS, AMBIENT = 1, 4, 8, 22, 36, 38, 47  # PR_*

_libc = ctypes.PyDLL(None, use_errno=True)  # PyDLL keeps the interpreter's lock: a clone must find itself holding it


def _checked(result: int, what: str) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")
    return result


class Init:
    """PID 1 of a new process namespace: it shares this process's memory and does nothing but reap what falls to it.

    Killing it kills the namespace. `pid` is its number out here.
    """

    def __init__(self) -> None:
        self._stack = ctypes.create_string_buffer(STACK_BYTES)
        top = (ctypes.addressof(self._stack) + STACK_BYTES) & ~15
        flags = SHARED_MEMORY | NEW_PIDS | signal.SIGCHLD
        wait_for_ever = ctypes.cast(_libc.pause, ctypes.c_void_p)
        before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel then reaps for it
        try:
            self.pid = _checked(_libc.clone(wait_for_ever, ctypes.c_void_p(top), flags, None), "clone")
        finally:
            signal.signal(signal.SIGCHLD, before)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> None:
        """Returns when every process of the namespace is gone."""
        os.waitpid(self.pid, 0)


def fork_into(process: int) -> int:
    """Fork into the process namespace of another process, as its second process or a later one."""
    there, here = os.pidfd_open(process), os.pidfd_open(os.getpid())
    try:
        _checked(_libc.setns(there, NEW_PIDS), "setns")
        child = os.fork()
        if child:
            _checked(_libc.setns(here, NEW_PIDS), "setns")
        return child
    finally:
        os.close(there)
        os.close(here)


def unshare(namespaces: int) -> None:
    _checked(_libc.unshare(namespaces), "unshare")


def mount(kind: str, target: str, flags: int, options: str) -> None:
    kind_, options_ = kind.encode(), options.encode()
    _checked(_libc.mount(kind_, target.encode(), kind_, ctypes.c_ulong(flags), options_), f"mount {target}")


def make_read_only(target: str) -> None:
    """Of a mount that has nothing else to lose: its mode, times and attributes. A device can be written to all the same."""
    flags = 1 | 0x20 | 0x1000 | NO_SUID | NO_EXECUTABLES  # MS_RDONLY, MS_REMOUNT, MS_BIND
    _checked(_libc.mount(None, target.encode(), None, ctypes.c_ulong(flags), None), f"remount {target}")


def prctl(option: int, *values: int) -> None:
    arguments = [ctypes.c_ulong(value) for value in (*values, 0, 0, 0, 0)[:4]]
    _checked(_libc.prctl(option, *arguments), f"prctl {option}")


def keep_only(*capabilities: int) -> None:
    """Give up every capability but these, here and for what is executed."""
    mask = sum(1 << capability for capability in capabilities)
    header = struct.pack("Ii", 0x20080522, 0)
    _checked(_libc.capset(header, struct.pack("6I", mask, mask, 0, 0, 0, 0)), "capset")


def die_with(parent: int) -> None:
    """Be killed when the parent dies, also if it died before this call. Changing the user id undoes it."""
    prctl(PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def refuse_calls(rules: bytes) -> None:
    """Install a system-call filter, for good."""
    prctl(NO_NEW_PRIVS, 1)
    steps = ctypes.create_string_buffer(rules, len(rules))
    header = struct.pack("HxxxxxxQ", len(rules) // 8, ctypes.addressof(steps))  # struct sock_fprog
    _checked(_libc.prctl(SECCOMP, 2, header), "seccomp")
