"""Who reads the explanations of each family: the numeric engine with a telling, or a reader of names."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from harness_plugins.tasks.goodhart.explaining import moves, orders
from harness_plugins.tasks.goodhart.explaining.orders import Stated
from harness_plugins.tasks.goodhart.explaining.telling import Telling
from harness_plugins.tasks.goodhart.explaining.tellings import ranking_update, transitive_order
from harness_plugins.tasks.goodhart.families import FAMILIES
from harness_plugins.tasks.goodhart.matched.story import MatchedSet

NAMED: dict[str, Callable[[str, MatchedSet, int], Stated]] = {
    "transitive_order": lambda text, matched, own: orders.read(text, transitive_order.order(matched, own)),
    "ranking_update": lambda text, matched, own: moves.read(text, ranking_update.moves(matched, own)),
}
TELLINGS: dict[str, Telling] = {
    name: import_module(f"harness_plugins.tasks.goodhart.explaining.tellings.{name}").TELLING
    for name in FAMILIES
    if name not in NAMED
}
