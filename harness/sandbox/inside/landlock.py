"""Which files a program may open, where there is no mount namespace to hide the others: Linux's Landlock, version 1 and up.

It bounds opening, reading, writing, making and removing files; from version 4 TCP, from version 6 signals to processes
outside. With any version a program cannot trace or read the memory of a process outside. It does not bound looking at a
file's name, size and times, nor changing mode, times and attributes of files that belong to the program's user.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable

CREATE, ADD, RESTRICT = 444, 445, 446  # system calls, the same number on every machine
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, MAKE_CHARACTER, MAKE_BLOCK = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 6, 1 << 11
READ = EXECUTE | READ_FILE | READ_DIR
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | 1 << 14 | 1 << 15  # the rights that a rule on a file, no folder, may give
FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}  # version -> how many rights it knows
TCP, SIGNALS_AND_SOCKETS = 3, 3  # bind and connect; abstract sockets and signals

_libc = ctypes.CDLL(None, use_errno=True)


def version() -> int:
    """Of this kernel's Landlock; 0 without one."""
    return max(0, _libc.syscall(CREATE, None, 0, 1))


def restrict(readable: Iterable[str], devices: Iterable[str], writable: str) -> None:
    """Open nothing but these from now on. Needs `version()` and no_new_privs. Raises OSError."""
    known = version()
    rights = (1 << FILE_RIGHTS.get(known, 16)) - 1
    attributes = struct.pack("QQQ", rights, TCP if known >= 4 else 0, SIGNALS_AND_SOCKETS if known >= 6 else 0)
    size = 8 if known < 4 else 16 if known < 6 else 24
    rules = _checked(_libc.syscall(CREATE, attributes, size, 0))
    everything = rights & ~(MAKE_CHARACTER | MAKE_BLOCK)
    wanted = [(path, READ) for path in readable] + [(path, READ_FILE | WRITE_FILE) for path in devices]
    for path, allowed in [*wanted, (writable, everything)]:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        allowed &= rights if os.path.isdir(path) else rights & OF_FILES  # noqa: PTH112
        _checked(_libc.syscall(ADD, rules, 1, struct.pack("=Qi", allowed, place), 0))
        os.close(place)
    _checked(_libc.syscall(RESTRICT, rules, 0))
    os.close(rules)


def _checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), f"landlock: {os.strerror(ctypes.get_errno())}")
    return result
