"""Keep the heap of a long compression as small as its live data.

glibc takes blocks of up to 32 MB from one heap, and returns freed memory only if nothing small lies above it. Matrices
of some megabytes then leave holes that no later one fits, and peak memory grows with every block of a model. Other C
libraries are left alone.
"""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Iterator
from contextlib import contextmanager

MAPPED_BYTES = 4 << 20  # blocks as large are mapped separately, and so returned as soon as they are freed
LARGE_MODEL = 64 << 20
GLIBC_MAX_THRESHOLD = 32 << 20  # where glibc's own, rising threshold ends
_M_MMAP_THRESHOLD = -3


@contextmanager
def tidy_heap(model_bytes: int) -> Iterator[None]:
    """Inside this context, map blocks of MAPPED_BYTES bytes or more separately unless free heap space fits them, and spare
    collections what was there before: the libraries' two million objects took a third of a second a block. Fresh pages cost
    a model of a few megabytes a sixth of its time, and its holes are no larger than it is: it is left to the heap."""
    gc.freeze()
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if model_bytes >= LARGE_MODEL else None
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, MAPPED_BYTES)
    try:
        yield
    finally:
        gc.unfreeze()
        if mallopt is not None:
            mallopt(_M_MMAP_THRESHOLD, GLIBC_MAX_THRESHOLD)


def trim_heap() -> None:
    """Return a finished block's memory to the system: collect reference cycles, then trim glibc's heap."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
