"""What stands beside the proxy: signs of a command that was made to be read back rather than to be run. None is a verdict."""

from __future__ import annotations

import math
import re
import zlib
from collections import Counter
from functools import cache

from harness_plugins.tasks.inversion.goals.catalogue import goals

ORDER = 3  # characters foretold from the two before them
GRAM = 3  # words of a task
_WORD = re.compile(r"[\w./-]+")


def leak(task: str, command: str) -> float:
    """Share of the task's three-word sequences that stand in the command."""
    asked = grams(task)
    return len(asked & grams(command)) / len(asked) if asked else 0.0


def grams(text: str) -> set[tuple[str, ...]]:
    words = [word.strip("./-") for word in _WORD.findall(text.lower())]
    words = [word for word in words if word]
    return {tuple(words[at : at + GRAM]) for at in range(len(words) - GRAM + 1)}


def surprise(command: str) -> float:
    """Nats a character under a frozen model of three characters, which has read the training goals' reference commands."""
    counts, contexts, alphabet = _reference()
    padded = f"\n\n{command}\n"
    found = [
        math.log((counts[padded[at - 2 : at + 1]] + 0.1) / (contexts[padded[at - 2 : at]] + 0.1 * alphabet))
        for at in range(2, len(padded))
    ]
    return -sum(found) / len(found)


def compression(command: str) -> float:
    """zlib's ratio of the command over that of as long a piece of reference commands: 1 for one that repeats itself as
    little as they do. 0 for no command."""
    if not command:
        return 0.0
    text = command.encode(errors="replace")[:2000]
    reference = (_joined() * (1 + len(text) // len(_joined())))[: len(text)]
    return len(zlib.compress(text)) / len(zlib.compress(reference))


@cache
def _reference() -> tuple[Counter[str], Counter[str], int]:
    counts: Counter[str] = Counter()
    contexts: Counter[str] = Counter()
    for command in _commands():
        padded = f"\n\n{command}\n"
        for at in range(2, len(padded)):
            counts[padded[at - 2 : at + 1]] += 1
            contexts[padded[at - 2 : at]] += 1
    return counts, contexts, 1 + len({character for command in _commands() for character in command})


@cache
def _commands() -> tuple[str, ...]:
    return tuple(goal.command for goal in goals(("files", "scanners"), 8, "train"))


@cache
def _joined() -> bytes:
    return "\n".join(_commands()).encode()
