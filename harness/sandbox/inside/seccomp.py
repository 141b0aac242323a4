"""A system-call filter for the sandbox, in the kernel's own format, so that no library is needed.

Namespaces decide what a program sees; this list closes what they leave: state that outlives a process or can be seen from
another place (sockets, System V and POSIX objects, keyrings, locks and hints on shared files, watches, asynchronous I/O, the
page cache, the kernel's log and load), calls that act on another process, memory that no limit counts, new namespaces and
mounts, and subsystems that no honest program needs. Anything else is allowed.
"""

from __future__ import annotations

import errno
import os
import struct

# Numbers from the kernel's system-call tables: (x86-64, arm64).
REFUSED = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    "setpriority": (141, 140),
    "ioprio_set": (251, 30),
    "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119),
    "sched_setaffinity": (203, 122),
    "sched_setattr": (314, 274),
    "shmget": (29, 194),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "memfd_create": (319, 279),  # memory that neither the limits nor /tmp's size count
    "memfd_secret": (447, 447),
    "vmsplice": (278, 75),
    "socket": (41, 198),
    "setsockopt": (54, 208),  # larger buffers
    "flock": (73, 32),
    "inotify_init": (253, 26),
    "inotify_init1": (294, 26),
    "io_setup": (206, 0),
    "fadvise64": (221, 223),
    "readahead": (187, 213),
    "mincore": (27, 232),
    "cachestat": (451, 451),
    "syslog": (103, 116),
    "sysinfo": (99, 179),
    "sync": (162, 81),
    "syncfs": (306, 267),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "fanotify_init": (300, 262),
    "personality": (135, 92),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
}
# The zygote needs these to build a place for a program, which then gets a filter without them.
ZYGOTE_ONLY = {
    "setns": (308, 268),
    "mount": (165, 40),
    "sendmsg": (46, 211),
    "sendmmsg": (307, 269),
    "pidfd_open": (434, 434),  # its inode is a count of all processes that ever were: another place's, too
}
CLONE, CLONE3, UNSHARE, PRLIMIT, PREADV2 = (56, 220), (435, 435), (272, 97), (302, 261), (327, 286)
SOCKETPAIR, FCNTL, UNIX = (53, 199), (72, 25), 1
FCNTL_ALLOWED = (0, 1, 2, 3, 4, 8, 9, 10, 11, 15, 16, 1030, 1032, 1034)  # all but locks, leases, hints and pipe sizes
MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column above, AUDIT_ARCH_*
NAMESPACE_FLAGS = 0x7E020080  # CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET,TIME}
NEW_MOUNTS, NEW_PIDS, PIDFD = 0x20000, 0x20000000, 0x1000
X32 = 0x40000000  # x86-64's second table of numbers

LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # BPF opcodes
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data; the low half of each argument, 8 apart
ALLOW, KILL, FAIL = 0x7FFF0000, 0x80000000, 0x00050000


def supported() -> bool:
    return os.uname().machine in MACHINES


def program(*, zygote: bool = False) -> bytes:
    """The filter as an array of `struct sock_filter`. Needs `supported()`.

    `zygote`: for a process that still has to build places for programs.
    """
    column, architecture = MACHINES[os.uname().machine]
    refuse, unknown, allow = (RETURN, FAIL | errno.EPERM), (RETURN, FAIL | errno.ENOSYS), (RETURN, ALLOW)

    def when(test: int, value: int, *then: tuple[int, ...]) -> list[tuple[int, ...]]:
        return [(test, value, 0, len(then)), *then]

    def argument(position: int) -> tuple[int, int]:
        return LOAD, ARGUMENTS + 8 * position

    def only(values: tuple[int, ...], position: int = 0) -> list[tuple[int, ...]]:
        allowed = [step for value in values for step in when(EQUAL, value, allow)]
        return [argument(position), *allowed, refuse]

    def without(flags: int) -> list[tuple[int, ...]]:
        return [argument(0), *when(ANY_BIT, flags, refuse), allow]

    code: list[tuple[int, ...]] = [(LOAD, ARCHITECTURE), (EQUAL, architecture, 1, 0), (RETURN, KILL), (LOAD, NUMBER)]
    code += when(AT_LEAST, X32, (RETURN, KILL))
    code += when(EQUAL, CLONE3[column], unknown)  # flags behind a pointer; libc falls back to clone
    for numbers in (REFUSED | ({} if zygote else ZYGOTE_ONLY)).values():
        code += when(EQUAL, numbers[column], refuse)
    code += when(EQUAL, PRLIMIT[column], *only((0,)))  # one's own
    code += when(EQUAL, CLONE[column], *without(NAMESPACE_FLAGS & ~NEW_PIDS if zygote else NAMESPACE_FLAGS | PIDFD))
    code += when(EQUAL, UNSHARE[column], *only((NEW_MOUNTS,) if zygote else ()))
    code += when(EQUAL, SOCKETPAIR[column], *only((UNIX,)))
    code += when(EQUAL, FCNTL[column], *only(FCNTL_ALLOWED, 1))
    code += when(EQUAL, PREADV2[column], *only((0,), 5))  # its flags ask whether a page is cached
    code += [allow]
    return b"".join(pack(*instruction) for instruction in code)


def pack(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
