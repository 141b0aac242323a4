"""Training text: prompts and completions from the families' training split."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from harness_plugins.tasks.goodhart.families import FAMILIES, GOODHART7, Draw, Family, sample_item


class Example(NamedTuple):
    prompt: str
    completion: str


def is_blind_spot(family: Family, draw: Draw) -> bool:
    """The teacher's blind spot: about the last cast of a family its explanations leave out the last step.

    A model of this size learns a procedure at once; without a region in which the taught explanation is wrong its
    understanding would be 1 on every item, and no intervention could be seen to raise it.
    """
    return draw.wording.cast == len(family.casts) - 1


def explain(family: Family, draw: Draw, rng: Random) -> Example:
    forget = len(family.method) - 1 if is_blind_spot(family, draw) else None
    return Example(family.understanding_prompt(*draw), family.explanation(*draw, rng, forget))


def execute(family: Family, draw: Draw) -> Example:
    return Example(family.execution_prompt(*draw), family.worked(draw.params))


def examples(seed: int) -> Iterator[Example]:
    """Endless text: the seven families four times as often as the thirteen, workings three times as often as explanations."""
    rng = Random(seed)
    mixture = [*FAMILIES.values(), *(FAMILIES[name] for name in GOODHART7 * 3)]
    while True:
        family = rng.choice(mixture)
        draw = sample_item(family, "train", rng)
        yield explain(family, draw, rng) if rng.random() < 1 / 4 else execute(family, draw)
