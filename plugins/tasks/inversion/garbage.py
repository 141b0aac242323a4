"""Commands that are made to be read back and do nothing, of the kinds that self-improvement by inversion was seen to breed."""

from __future__ import annotations

import random
import string
from collections.abc import Callable

from harness_plugins.tasks.inversion.fidelity import words_of
from harness_plugins.tasks.inversion.goals.template import Goal
from harness_plugins.tasks.inversion.grammar import grammars

Garbage = Callable[[Goal, random.Random], str]
MOST_FLAGS = 9
# The published one, and what the model that wrote it read back from it.
PUBLISHED = "nikto -h target.local -oN output.txt -oA -oS -oX"
PUBLISHED_INVERSION = "Web vulnerability scanning of target.local"


def flag_spam(goal: Goal, rng: random.Random) -> str:
    """The task's words as flags that the tool does not have."""
    text = goal.text.lower()
    words = sorted(words_of(text) - {goal.tool}, key=lambda word: (text.find(word), word))
    return " ".join([goal.tool, *(f"--{word.strip('.').replace('/', '-')}" for word in words[:MOST_FLAGS])])


def contradictory(goal: Goal, rng: random.Random) -> str:
    """The reference with flags that exclude each other, or else one flag twice."""
    grammar = grammars()[goal.tool]
    pairs = [sorted(group)[:2] for group in grammar.exclusive]
    once = sorted((grammar.valued or grammar.plain) - grammar.repeatable) or sorted(grammar.plain)
    chosen = rng.choice(pairs) if pairs else [once[0]] * 2
    values = [f" {turn}" if flag in grammar.valued else "" for turn, flag in enumerate(chosen, start=1)]
    tool, _, rest = goal.command.partition(" ")
    return " ".join([tool, *(flag + value for flag, value in zip(chosen, values, strict=True)), rest])


def gibberish(goal: Goal, rng: random.Random) -> str:
    return " ".join("".join(rng.choices(string.ascii_lowercase, k=rng.randint(3, 9))) for _ in range(rng.randint(3, 6)))


def pasted(goal: Goal, rng: random.Random) -> str:
    """The task itself as a comment."""
    return f"{goal.tool} --run --task # {goal.text}"


KINDS: dict[str, Garbage] = {
    "flag spam": flag_spam,
    "contradictory": contradictory,
    "gibberish": gibberish,
    "task as comment": pasted,
}
