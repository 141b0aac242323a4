"""How fast a run and its stages go."""

from __future__ import annotations

import time
from collections import deque
from datetime import timedelta

from harness.running.executors import Event

LATELY = 30.0  # seconds whose pace counts
APART = 1.0  # seconds between two places from which a pace is reckoned
AT_ONCE = 1.0  # seconds: a cell that takes less was done already and says nothing of the others


class Pace:
    """How fast one stage of a cell has gone of late: what is quick comes first, scored texts before replies, short replies
    before long ones, so that the whole stage's mean would promise too much."""

    def __init__(self, event: Event, now: float) -> None:
        self.stage = event.stage
        self.marks = deque([(now, event)])

    def text(self, event: Event, now: float) -> str:
        """Tokens per second and the time left, as far as either is known: "85 tokens/s, 2:10 left"."""
        while len(self.marks) > 1 and self.marks[1][0] <= now - LATELY:
            self.marks.popleft()
        then, before = self.marks[0]
        elapsed = now - then
        known = []
        if event.tokens > before.tokens and elapsed > 0:
            known.append(f"{(event.tokens - before.tokens) / elapsed:.0f} tokens/s")
        if before.done < event.done < event.total and elapsed > 0:
            known.append(_left(elapsed * (event.total - event.done) / (event.done - before.done)))
        if now - self.marks[-1][0] >= APART:
            self.marks.append((now, event))
        return ", ".join(known)


class Paces:
    """The pace of every cell at work."""

    def __init__(self) -> None:
        self.of: dict[str, Pace] = {}

    def text(self, event: Event) -> str:
        now = time.monotonic()
        pace = self.of.get(event.cell)
        if pace is None or pace.stage != event.stage:
            pace = self.of[event.cell] = Pace(event, now)
        return pace.text(event, now)


class RunPace:
    """How many of a run's cells are done, and the time that the others will take if they are like those."""

    def __init__(self, total: int) -> None:
        self.total, self.done, self.at_once = total, 0, 0
        self.started = time.monotonic()
        self.at_work: dict[str, float] = {}  # cell -> when it was taken up

    def event(self, event: Event) -> None:
        if event.kind == "started":
            self.at_work[event.cell] = time.monotonic()
        elif event.kind in ("done", "failed"):
            taken = time.monotonic() - self.at_work.pop(event.cell, self.started)
            self.done += 1
            self.at_once += taken < AT_ONCE

    @property
    def left(self) -> str:
        """Empty until a cell has taken its time."""
        worked = self.done - self.at_once
        if not worked or self.done >= self.total:
            return ""
        return _left((time.monotonic() - self.started) / worked * (self.total - self.done))


def _left(seconds: float) -> str:
    return f"{timedelta(seconds=round(seconds))} left"
