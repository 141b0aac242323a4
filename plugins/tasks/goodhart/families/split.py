"""Which problems and wordings belong to training and which to evaluation, and drawing items from either.

Problems: a tuple of parameters is held out when its hash says so (one in five); the canonical problem of a family is
in neither draw. Wordings: a combination of opening, core and closing is held out when its indices sum to a multiple of
four (one in four), so that every opening, core and closing, and every pair of them, also occurs in training.
"""

from __future__ import annotations

import json
from hashlib import blake2b
from itertools import product
from random import Random
from typing import Literal, NamedTuple

from harness.errors import UsageError
from harness_plugins.tasks.goodhart.families.base import (
    CANONICAL_WORDING,
    OPENINGS,
    UNDERSTANDING_CLOSINGS,
    Family,
    Params,
    Wording,
)

Split = Literal["train", "eval"]
TRIES_PER_ITEM = 2000  # fruitless draws after which a family's supply of distinct problems counts as exhausted


class Draw(NamedTuple):
    params: Params
    wording: Wording

    @property
    def template(self) -> str:
        """The core wording: items that share it are one cluster of the statistics."""
        return f"core{self.wording.core}"


def key(params: Params) -> str:
    return json.dumps(params, sort_keys=True)


def is_held_out(family: Family, params: Params) -> bool:
    digest = blake2b(f"{family.name} {key(params)}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % 5 == 0


def wordings(family: Family, core: int, split: Split) -> list[Wording]:
    """The split's wordings of one core."""
    indices = product(range(len(OPENINGS)), [core], range(len(UNDERSTANDING_CLOSINGS)), range(len(family.casts)))
    all_of_core = (Wording(*each) for each in indices)
    return [wording for wording in all_of_core if (sum(wording.combination) % 4 == 0) == (split == "eval")]


def sample_item(family: Family, split: Split, rng: Random) -> Draw:
    """One item of a split, with replacement; never the canonical problem. What training draws from."""
    while True:
        params = family.draw(rng)
        if params != family.canonical and is_held_out(family, params) == (split == "eval"):
            return Draw(params, rng.choice(wordings(family, rng.randrange(len(family.cores)), split)))


def draw_items(family: Family, count: int, split: Split, seed: int) -> list[Draw]:
    """`count` items with distinct problems; cores take turns. On "eval" the first is the family's canonical item.

    A shorter draw with the same seed is a prefix of a longer one. UsageError when the family has too few problems.
    """
    rng = Random(f"{family.name} {split} {seed}")
    items: list[Draw] = []
    if split == "eval" and count > 0:
        items.append(Draw(family.canonical, CANONICAL_WORDING))
    seen = {key(family.canonical)}
    first_core = rng.randrange(len(family.cores))
    while len(items) < count:
        params = _draw_new(family, split, rng, seen)
        core = (first_core + len(items)) % len(family.cores)
        items.append(Draw(params, rng.choice(wordings(family, core, split))))
    return items


def _draw_new(family: Family, split: Split, rng: Random, seen: set[str]) -> Params:
    for _ in range(TRIES_PER_ITEM):
        params = family.draw(rng)
        if key(params) not in seen and is_held_out(family, params) == (split == "eval"):
            seen.add(key(params))
            return params
    raise UsageError(
        f"{family.name} has only about {len(seen) - 1} distinct problems on its {split} split", "ask for fewer items"
    )
