"""What the shared cache holds, by kind, age and size, and how to remove it.

Everything in the cache can be made again: removing it costs time, never a result. An entry's age is the time since it
was last used, which `mark_used` records on the entry itself.
"""

from __future__ import annotations

import os
import shutil
import time
from contextlib import nullcontext, suppress
from pathlib import Path

from harness.contract.records import Record
from harness.store.locks import LOCK, held, lock_beside
from harness.store.paths import cache_folder


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
    beside, inside = lock_beside(entry.path), entry.path / LOCK  # inside: a compression's
    with held(beside) as free, held(inside) if inside.is_file() else nullcontext(True) as idle:
        if not (free and idle):
            return False
        if entry.path.is_dir():
            shutil.rmtree(entry.path)
        else:
            entry.path.unlink(missing_ok=True)
        beside.unlink(missing_ok=True)
        return True


def _entry(kind: str, path: Path) -> CacheEntry:
    files = [path, *path.rglob("*")] if path.is_dir() else [path]
    found = [file.lstat() for file in files if file.is_file() and not file.is_symlink()]
    sizes = [each.st_size // each.st_nlink for each in found]  # masks of one artefact share its files
    return CacheEntry(kind=kind, path=path, bytes=sum(sizes), used=path.lstat().st_mtime)
