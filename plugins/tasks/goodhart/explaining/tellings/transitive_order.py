"""Where the fourth one stands, and from which end the names are asked."""

from __future__ import annotations

from harness_plugins.tasks.goodhart.explaining.orders import Order
from harness_plugins.tasks.goodhart.families.transitive_order import PLACES
from harness_plugins.tasks.goodhart.matched.story import MatchedSet


def order(matched: MatchedSet, own: int, words: dict[str, str]) -> Order:
    _, leads = matched.scenarios[own].cell
    *three, fourth = (str(matched.draw.params[place]) for place in PLACES)
    asked = tuple(matched.scenarios[own].gold.split(", "))
    names = (fourth, *three) if leads else (*three, fourth)
    return Order(names, words["more"], words["less"], words["top"], words["bottom"], asked)
