"""A list from the front or from the back; the next to the first, or the last."""

from __future__ import annotations

from harness_plugins.tasks.goodhart.explaining.moves import Moves
from harness_plugins.tasks.goodhart.families.ranking_update import PLACES
from harness_plugins.tasks.goodhart.matched.story import MatchedSet


def moves(matched: MatchedSet, own: int) -> Moves:
    from_back, last = matched.scenarios[own].cell
    first, second, third, fourth = (str(matched.draw.params[place]) for place in PLACES)
    told = ((first, second, third, fourth), (first, second, fourth, third), (first, fourth, second, third))
    return Moves(
        states=tuple(state[::-1] if from_back else state for state in told),
        moved=((fourth, third), (fourth, second)),
        place="last" if last else "second",
        answer=matched.scenarios[own].gold,
    )
