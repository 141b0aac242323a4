"""Where the fourth one stands, and from which end the names are asked."""

from __future__ import annotations

from harness_plugins.tasks.goodhart.explaining.orders import Order
from harness_plugins.tasks.goodhart.families.transitive_order import FAMILY, PLACES
from harness_plugins.tasks.goodhart.matched.story import MatchedSet


def order(matched: MatchedSet, own: int) -> Order:
    _, leads = matched.scenarios[own].cell
    *three, fourth = (str(matched.draw.params[place]) for place in PLACES)
    cast = FAMILY.casts[matched.draw.wording.cast]
    return Order(
        names=(fourth, *three) if leads else (*three, fourth),
        more=cast["more"],
        less=cast["less"],
        top=cast["top"],
        bottom=cast["bottom"],
        asked=tuple(matched.scenarios[own].gold.split(", ")),
        told=(*three, fourth),
    )
