"""The matched sets' own proof: each drawn set obeys every rule, and choosers that understand nothing know nothing."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from harness import Check
from harness_plugins.tasks.goodhart.matched.catalogue import STORIES
from harness_plugins.tasks.goodhart.matched.check import RULES
from harness_plugins.tasks.goodhart.matched.controls import CONTROLS, Share, known
from harness_plugins.tasks.goodhart.matched.draw import draw_sets
from harness_plugins.tasks.goodhart.matched.story import MatchedSet

SETS = 6  # per family: the canonical one and five drawn ones
SOUND = "no fault"


@lru_cache(maxsize=128)
def drawn(name: str, seed: int) -> tuple[MatchedSet, ...]:
    return tuple(draw_sets(STORIES[name], SETS, "eval", seed))


def set_checks(name: str, seed: int) -> Iterator[Check]:
    for i, matched in enumerate(drawn(name, seed)):
        for rule, faults in RULES.items():
            yield Check(
                name=f"{name}: matched set {i}: {rule}", expected=SOUND, got="; ".join(faults(matched)) or SOUND
            )


def controls(name: str, seed: int) -> tuple[Share, ...]:
    """How many scenarios each control knows, in the order of `CONTROLS`."""
    return tuple(known([chooser(matched) for matched in drawn(name, seed)]) for chooser in CONTROLS.values())
