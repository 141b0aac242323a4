"""Host user ids for programs when the harness runs as root. No two harnesses hold the same one at a time."""

from __future__ import annotations

import fcntl
import itertools
import os
from pathlib import Path
from typing import Self

from harness.errors import StageError

UIDS = range(40_000, 42_048)  # no distribution assigns these to people or services
FOLDER = Path("/run/goodhart-harness-uids")
_turns = itertools.cycle(range(len(UIDS)))


class Uid:
    """A user id that is nobody else's while the lock is held. A process that inherits `lock` keeps it held."""

    def __init__(self, number: int, lock: int) -> None:
        self.number = number
        self.lock = lock

    @classmethod
    def lease(cls) -> Self | None:
        """None when not root. The kernel exempts root from the limit on processes."""
        if os.geteuid() != 0:
            return None
        FOLDER.mkdir(mode=0o700, parents=True, exist_ok=True)
        start = os.getpid() % len(UIDS)
        for _ in UIDS:
            number = UIDS[(start + next(_turns)) % len(UIDS)]
            lock = os.open(FOLDER / str(number), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
            else:
                return cls(number, lock)
        raise StageError("every user id for programs is in use", f"end other harnesses, or see {FOLDER}")

    def release(self) -> None:
        os.close(self.lock)
