"""What the shared cache holds, by kind, age and size, and how to remove it.

Everything in the cache can be made again: removing it costs time, never a result. An entry's age is the time since it
was last used, which `mark_used` records on the entry itself.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from harness.contract.records import Record
from harness.store.paths import cache_folder

LOCK = ".lock"


class CacheEntry(Record):
    """One thing in the cache: a trained or compressed model, a digest, a calibration text …"""

    kind: str  # its folder in the cache
    path: Path
    bytes: int
    used: float  # seconds since the epoch

    @property
    def age(self) -> float:
        """Seconds since it was last used."""
        return max(0.0, time.time() - self.used)


def cache_entries() -> list[CacheEntry]:
    """Every entry, by kind, the one used longest ago first."""
    root = cache_folder()
    kinds = sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
    found = [_entry(kind.name, path) for kind in kinds for path in kind.iterdir() if path.suffix != LOCK]
    return sorted(found, key=lambda entry: (entry.kind, entry.used, entry.path.name))


def mark_used(path: Path) -> None:
    """Note that an entry is used now."""
    with suppress(OSError):  # a cache that cannot be written can still be read
        os.utime(path)


def remove(entry: CacheEntry) -> bool:
    """Remove an entry and its lock; False if another process is making it.

    Raises:
        OSError: it cannot be removed.
    """
    with _free(entry.path) as free:
        if free:
            if entry.path.is_dir():
                shutil.rmtree(entry.path)
            else:
                entry.path.unlink(missing_ok=True)
            entry.path.with_suffix(LOCK).unlink(missing_ok=True)
        return free


def _entry(kind: str, path: Path) -> CacheEntry:
    files = [path, *path.rglob("*")] if path.is_dir() else [path]
    sizes = [file.lstat().st_size for file in files if file.is_file() and not file.is_symlink()]
    return CacheEntry(kind=kind, path=path, bytes=sum(sizes), used=path.lstat().st_mtime)


@contextmanager
def _free(path: Path) -> Iterator[bool]:
    """Whether nobody holds a lock on `path`: the one beside it, or the one that a compression keeps inside it."""
    locks = [lock for lock in (path.with_suffix(LOCK), path / LOCK) if lock.is_file()]
    handles = [lock.open() for lock in locks]
    try:
        for handle in handles:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        for handle in handles:
            handle.close()
