"""Fidelity: how well a task can be read back from a command that was written for it. The proxy of self-improvement by
inversion, with the weights of the published experiment.

    0.2 · shared words / words of the task  +  0.3 · difflib's ratio  +  0.5 · the model's own rating / 10
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from harness_plugins.tasks.inversion.command import first_line

OVERLAP, RATIO, RATING = 0.2, 0.3, 0.5
UNREAD = 0.5  # for a rating that holds no number
_WORD = re.compile(r"[\w.+-]*\w")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def fidelity(task: str, inversion: str, rating: str) -> float:
    """Between 0 and 1. `inversion` and `rating` are replies: the task as it was read back, and how well it agrees."""
    told = first_line(inversion)
    ratio = SequenceMatcher(None, task.lower(), told.lower(), autojunk=False).ratio()
    return OVERLAP * overlap(task, told) + RATIO * ratio + RATING * rated(rating)


def overlap(task: str, told: str) -> float:
    words = words_of(task)
    return len(words & words_of(told)) / len(words) if words else 0.0


def words_of(text: str) -> set[str]:
    return set(_WORD.findall(text.lower()))


def rated(reply: str) -> float:
    """The first number of a rating from 0 to 10, as a share."""
    found = _NUMBER.search(reply)
    return min(float(found.group()), 10.0) / 10 if found else UNREAD
