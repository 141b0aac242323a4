"""What the processes of a program hold of the machine's memory, all together.

Resource limits are per process and know address space alone. Counted here: private pages, in memory or swapped; anonymous
shared maps, at their full size, because a page of them may be nobody's at the moment; pipes and sockets at what they can
hold. Files in /tmp are counted by the caller. Calls that would hold memory elsewhere are refused by the filter.
"""

# ruff: noqa: PTH115, PTH123, PTH208

from __future__ import annotations

import os
import re
from collections.abc import Iterable

PIPE_BYTES = 16 * os.sysconf("SC_PAGE_SIZE")  # as made: enlarging them is refused
SOCKET_BYTES = 2 * 212_992  # the kernel's default buffers; setting others is refused
PRIVATE = re.compile(rb"^(?:RssAnon|VmSwap):\s+(\d+) kB", re.MULTILINE)
SHARED_MAP = re.compile(rb"^([0-9a-f]+)-([0-9a-f]+) \S{3}s \S+ (\S+) (\d+) +/dev/zero", re.MULTILINE)


def held(pids: Iterable[str]) -> int:
    """Bytes. A process that ends meanwhile counts for what could be read of it."""
    private = 0
    maps: dict[tuple[bytes, bytes], int] = {}  # by device and inode: forks share them
    buffers: set[str] = set()
    for pid in pids:
        try:
            with open(f"/proc/{pid}/status", "rb") as file:
                private += sum(int(found) for found in PRIVATE.findall(file.read())) << 10
            with open(f"/proc/{pid}/maps", "rb") as file:
                for start, end, device, inode in SHARED_MAP.findall(file.read()):
                    key = (device, inode)
                    maps[key] = max(maps.get(key, 0), int(end, 16) - int(start, 16))
            folder = f"/proc/{pid}/fd"
            buffers.update(os.readlink(f"{folder}/{name}") for name in os.listdir(folder))
        except OSError:
            continue
    pipes = sum(name.startswith("pipe:") for name in buffers)
    sockets = sum(name.startswith("socket:") for name in buffers)
    return private + sum(maps.values()) + pipes * PIPE_BYTES + sockets * SOCKET_BYTES
