"""Keep the heap of a long compression as small as what lives on it.

glibc cuts blocks of up to 32 MB from one heap, and what was freed is given back only where nothing small lies above it.
Matrices of a few megabytes then leave holes that no later one fits, and peak memory creeps up with every block of a model.
Other C libraries are left alone.
"""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Iterator
from contextlib import contextmanager

APART = 1 << 20  # bytes from which a block is mapped on its own, and so returned the moment it is freed
GLIBC_MOST = 32 << 20  # where glibc's own, rising threshold ends
_M_MMAP_THRESHOLD = -3


@contextmanager
def map_large_blocks() -> Iterator[None]:
    """Map every block of APART bytes that no free room of the heap takes on its own, for as long as this is open: fresh
    pages cost time."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, APART)
    try:
        yield
    finally:
        if mallopt is not None:
            mallopt(_M_MMAP_THRESHOLD, GLIBC_MOST)


def trim_heap() -> None:
    """Give what a block has left behind back to the system: reference cycles wait for the collector, small pieces for glibc."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
