"""Host user ids for programs when the harness runs as root."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator

# No distribution assigns these to people or services.
_unassigned: Iterator[int] = itertools.cycle(range(40_000 + os.getpid() % 20_000, 60_000))


def unassigned_uid() -> int | None:
    """A host uid of its own for the next worker, or None when not root. The kernel exempts root from RLIMIT_NPROC."""
    return next(_unassigned) if os.geteuid() == 0 else None
