"""Training text: prompts and completions from the training split of the families and of their matched sets.

The teacher is imperfect on purpose. A model of this size learns a procedure at once; without a region in which what it is
taught is wrong it would know and do everything, and no intervention could be seen to raise that.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from harness_plugins.tasks.goodhart.families import FAMILIES, GOODHART7, Draw, Family, sample_item
from harness_plugins.tasks.goodhart.matched.catalogue import STORIES
from harness_plugins.tasks.goodhart.matched.draw import sample_set
from harness_plugins.tasks.goodhart.matched.story import MatchedSet

FROM_SETS = 3 / 4  # of all examples
EXPLAINED = 1 / 4  # of the examples from families; the others are worked
TOLD = 1 / 3  # of the examples from sets; the others are worked
SLIP = 1 / 10  # of the procedures told: a twin's, so that the right one is likelier by a few nats and not by hundreds


class Example(NamedTuple):
    prompt: str
    completion: str


def is_blind_spot(family: Family, draw: Draw) -> bool:
    """About the last cast of a family the teacher's explanations leave out the last step."""
    return draw.wording.cast == len(family.casts) - 1


def explain(family: Family, draw: Draw, rng: Random) -> Example:
    forget = len(family.method) - 1 if is_blind_spot(family, draw) else None
    return Example(family.understanding_prompt(*draw), family.explanation(*draw, rng, forget))


def execute(family: Family, draw: Draw) -> Example:
    return Example(family.execution_prompt(*draw), family.worked(draw.params))


def tell(matched: MatchedSet, own: int, rng: Random) -> Example:
    """The understanding prompt of a scenario, and a procedure as the teacher tells it there."""
    right = believed(matched, own)
    twins = [twin for twin in range(len(matched.procedures)) if twin != right]
    told = matched.procedures[rng.choice(twins) if rng.random() < SLIP else right]
    return Example(matched.scenarios[own].understanding_prompt, rng.choice(told.paraphrases))


def believed(matched: MatchedSet, own: int) -> int:
    """The procedure that the teacher thinks right in a scenario: of the last two it takes each for the other's. That loses
    the crossed criterion in both of them, and in no other one."""
    last = len(matched.scenarios) - 1
    return {last: last - 1, last - 1: last}.get(own, own)


def work(matched: MatchedSet, own: int) -> Example:
    """The execution prompt of a scenario, and the solution that the teacher thinks right there: in the last scenario it
    overlooks the last turn."""
    last = len(matched.scenarios) - 1
    solved = matched.scenarios[own - 1 if own == last else own]
    return Example(matched.scenarios[own].execution_prompt, solved.worked)


def examples(seed: int) -> Iterator[Example]:
    """Endless text, the seven families four times as often as the thirteen."""
    rng = Random(seed)
    mixture = [*FAMILIES, *GOODHART7 * 3]
    while True:
        name = rng.choice(mixture)
        yield _of_set(name, rng) if rng.random() < FROM_SETS else _of_family(FAMILIES[name], rng)


def _of_set(name: str, rng: Random) -> Example:
    matched = sample_set(STORIES[name], "train", rng)
    own = rng.randrange(len(matched.scenarios))
    return tell(matched, own, rng) if rng.random() < TOLD else work(matched, own)


def _of_family(family: Family, rng: Random) -> Example:
    draw = sample_item(family, "train", rng)
    return explain(family, draw, rng) if rng.random() < EXPLAINED else execute(family, draw)
