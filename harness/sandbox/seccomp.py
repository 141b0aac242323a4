"""A system-call filter for the sandbox, in the kernel's own format, so that no library is needed.

Namespaces decide what a program sees; this list closes what is left between programs that share one: calls that act on
another process (the zygote has the same uid), kernel objects that outlive every process (System V and POSIX queues,
keyrings), new namespaces and mounts, and subsystems that no honest program needs. Anything else is allowed.
"""

from __future__ import annotations

import errno
import platform
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
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
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
CLONE, CLONE3, PRLIMIT, SOCKET = (56, 220), (435, 435), (302, 261), (41, 198)
SOCKET_FAMILIES = (
    1,
    2,
    10,
)  # unix, IPv4, IPv6: the network namespace holds these; vsock reaches a virtual machine's host
MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column above, AUDIT_ARCH_*
NAMESPACE_FLAGS = 0x7E020080  # CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET,TIME}
X32 = 0x40000000  # x86-64's second table of numbers

LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # BPF opcodes
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data
ALLOW, KILL, FAIL = 0x7FFF0000, 0x80000000, 0x00050000


def supported() -> bool:
    return platform.machine() in MACHINES


def program() -> bytes:
    """The filter as an array of `struct sock_filter`, as `bwrap --seccomp` reads it. Needs `supported()`."""
    column, architecture = MACHINES[platform.machine()]
    refuse, unknown = (RETURN, FAIL | errno.EPERM), (RETURN, FAIL | errno.ENOSYS)

    def when(test: int, value: int, *then: tuple[int, ...]) -> list[tuple[int, ...]]:
        return [(test, value, 0, len(then)), *then]

    code: list[tuple[int, ...]] = [(LOAD, ARCHITECTURE), (EQUAL, architecture, 1, 0), (RETURN, KILL), (LOAD, NUMBER)]
    code += when(AT_LEAST, X32, (RETURN, KILL))
    code += when(EQUAL, CLONE3[column], unknown)  # flags behind a pointer; libc falls back to clone
    for numbers in REFUSED.values():
        code += when(EQUAL, numbers[column], refuse)
    own_process_only = [(LOAD, FIRST_ARGUMENT), (EQUAL, 0, 1, 0), refuse, (RETURN, ALLOW)]
    code += when(EQUAL, PRLIMIT[column], *own_process_only)
    no_namespaces = [(LOAD, FIRST_ARGUMENT), (ANY_BIT, NAMESPACE_FLAGS, 0, 1), refuse, (RETURN, ALLOW)]
    code += when(EQUAL, CLONE[column], *no_namespaces)
    allowed = [step for family in SOCKET_FAMILIES for step in when(EQUAL, family, (RETURN, ALLOW))]
    code += when(EQUAL, SOCKET[column], (LOAD, FIRST_ARGUMENT), *allowed, refuse)
    code += [(RETURN, ALLOW)]
    return b"".join(pack(*instruction) for instruction in code)


def pack(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
