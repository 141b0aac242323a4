"""Locks, so that each thing in the shared cache is made once."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from harness.errors import StageError
from harness.store.files import make_folder

LOCK = ".lock"


@contextmanager
def exclusive_lock(path: Path) -> Iterator[None]:
    """Hold the lock beside `path`. A second process waits, then finds the thing made. The lock dies with its process."""
    make_folder(path.parent)
    with held(lock_beside(path), wait=True):
        yield


def lock_beside(path: Path) -> Path:
    return path.with_suffix(LOCK)


@contextmanager
def held(lock: Path, wait: bool = False) -> Iterator[bool]:
    """Hold a lock's file. Without `wait`, False where another process holds it.

    Whoever cleans the cache removes the file while holding it. A process that had opened it by then gets a lock on a file
    that is gone, which keeps nobody out; so it asks again for the one that now bears the name.
    """
    while True:
        with open_lock(lock) as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            if _bears_its_name(handle, lock):
                yield True
                return


def _bears_its_name(handle: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle.fileno()), path.lstat())
    except FileNotFoundError:
        return False


def open_lock(path: Path) -> BinaryIO:
    """A lock's file, made if it is not there, and never emptied: it may be a link to another file.

    Raises:
        StageError: it is a link or no plain file, or cannot be made.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
    except OSError as error:
        cause = "it is a link" if path.is_symlink() else error.strerror or str(error)
        raise StageError(f"cannot lock {path}: {cause}", "remove it" if path.is_symlink() else "") from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise StageError(f"cannot lock {path}: it is no plain file", "remove it")
    return os.fdopen(handle, "rb+")
