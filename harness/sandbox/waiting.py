"""How long a program has waited for a processor. That time is the machine's, not the program's: a verdict must not
depend on what else runs."""

from __future__ import annotations

import contextlib
from pathlib import Path


def waited(server: int) -> float:
    """Seconds, of the longest waiting thread of the processes right below `server` (the forks of a program are further
    below). 0.0 where this kernel does not say. It is counted from the process's start, which may be before its program's.
    """
    nanoseconds = 0
    with contextlib.suppress(OSError):
        for child in Path(f"/proc/{server}/task/{server}/children").read_text().split():
            for thread in Path(f"/proc/{child}/task").iterdir():
                with contextlib.suppress(OSError, ValueError):  # it has just ended
                    nanoseconds = max(nanoseconds, int((thread / "schedstat").read_text().split()[1]))
    return nanoseconds / 1e9
