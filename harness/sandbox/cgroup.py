"""A control group (v2) for each program, where one can be had: the kernel then counts all that the program's processes hold
together, page by page.

One can be had in a group at or above this process's own that gives memory to the groups below it and may be written to: for
root, in a user's own slice of systemd (`systemd-run --user --scope harness …`), in any folder that was delegated. Elsewhere
resource limits and the count of `inside.holdings` are all there is. A group goes with its program.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import platform
import re
import secrets
import subprocess
import time
from pathlib import Path
from typing import NamedTuple, Self

OLDEST = (5, 16)  # from here on a program in namespaces of its own may enter a group that was opened outside of them
NAME = "goodhart-program-"
EMPTY_SECONDS = 1.0  # for the last of its processes to leave it
PROC = Path("/proc/self")


class Place(NamedTuple):
    """Where groups can be made; or why nowhere."""

    folder: Path | None
    why_not: str = ""


@functools.cache
def place() -> Place:
    """Found by moving a process into a group, once for a process. Groups that killed harnesses left are removed."""
    if (*map(int, platform.release().split(".")[:2]),) < OLDEST:
        return Place(None, f"this kernel is older than {'.'.join(map(str, OLDEST))}")
    if (own := own_group(PROC)) is None:
        return Place(None, "no cgroup v2 hierarchy is mounted")
    mount, path = own
    found = [mount / path, *(mount / above for above in path.parents)]
    giving = [folder for folder in found if "memory" in _words(folder / "cgroup.subtree_control")]
    if not giving:
        has = "memory" in _words(mount / "cgroup.controllers")
        return Place(
            None,
            "no group above this process gives memory to those below it" if has else "its memory controller is in v1",
        )
    for folder in giving:
        if _can_be_entered(folder):
            _sweep(folder)
            return Place(folder)
    return Place(None, f"{giving[0]} may not be written to: try systemd-run --user --scope harness …")


def own_group(proc: Path) -> tuple[Path, Path] | None:
    """(mount point of cgroup v2, this process's group below it), or None."""
    with contextlib.suppress(OSError):
        groups = (proc / "cgroup").read_text()
        inside = re.search(r"^0::(/.*)$", groups, re.MULTILINE)
        mounts = (proc / "mountinfo").read_text()
        mounted = re.search(r"^\S+ \S+ \S+ (/\S*) (/\S+) .* - cgroup2 ", mounts, re.MULTILINE)
        if inside and mounted and Path(inside[1]).is_relative_to(mounted[1]) and ".." not in inside[1]:
            return Path(mounted[2]), Path(inside[1]).relative_to(mounted[1])
    return None


class Group:
    """A new group in `folder` for one program, whose memory and swap together are at most `memory` bytes.

    A process enters by writing "0" to `entrance`, wherever it is. Too much memory kills all that are in.
    """

    def __init__(self, folder: Path, memory: int) -> None:
        self._folder = folder / f"{NAME}{secrets.token_hex(8)}"
        self._folder.mkdir(mode=0o700)
        self._held = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(self._held, fcntl.LOCK_SH)  # none that is in use is swept
        (self._folder / "memory.max").write_text(str(memory))
        with contextlib.suppress(OSError):  # a kernel without swap has no such file
            (self._folder / "memory.swap.max").write_text("0")
        (self._folder / "memory.oom.group").write_text("1")
        self.entrance = os.open(self._folder / "cgroup.procs", os.O_WRONLY | os.O_CLOEXEC)

    @classmethod
    def of(cls, memory: int) -> Self | None:
        """None where none can be had."""
        folder = place().folder
        return cls(folder, memory) if folder else None

    @property
    def exceeded(self) -> bool:
        """Whether the kernel ended it for its memory."""
        return bool(re.search(r"^oom_kill [1-9]", (self._folder / "memory.events").read_text(), re.MULTILINE))

    def close(self) -> None:
        """Kill what is still in it, and remove it."""
        os.close(self.entrance)
        with contextlib.suppress(OSError):
            (self._folder / "cgroup.kill").write_text("1")
        _remove(self._folder)
        os.close(self._held)


def _can_be_entered(folder: Path) -> bool:
    child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        group = Group(folder, 1 << 26)
        try:
            os.write(group.entrance, str(child.pid).encode())
        finally:
            group.close()
    except OSError:
        return False
    finally:
        child.communicate()
    return True


def _remove(folder: Path) -> None:
    deadline = time.monotonic() + EMPTY_SECONDS
    while folder.exists():
        try:
            folder.rmdir()
        except OSError:  # a killed process is about to leave
            if time.monotonic() > deadline:
                return  # it is swept when it is empty
            time.sleep(0.0005)


def _sweep(folder: Path) -> None:
    for left in folder.glob(f"{NAME}*"):
        with contextlib.suppress(OSError):  # in use, or not ours
            held = os.open(left, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                left.rmdir()
            finally:
                os.close(held)


def _words(file: Path) -> list[str]:
    try:
        return file.read_text().split()
    except OSError:
        return []
