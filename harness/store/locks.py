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


@contextmanager
def exclusive_lock(path: Path) -> Iterator[None]:
    """Hold the lock beside `path`. A second process waits, then finds the thing made. The lock dies with its process."""
    make_folder(path.parent)
    with open_lock(path.with_suffix(".lock")) as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


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
