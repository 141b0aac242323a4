"""The telling of each family that has one."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from harness_plugins.tasks.goodhart.explaining.orders import Order
from harness_plugins.tasks.goodhart.explaining.telling import Telling
from harness_plugins.tasks.goodhart.explaining.tellings import transitive_order
from harness_plugins.tasks.goodhart.matched.story import MatchedSet

NAMES = ("discount_coupon", "time_duration", "financial_compound", "recipe_scale", "unit_chain", "task_schedule")

TELLINGS: dict[str, Telling] = {
    name: import_module(f"harness_plugins.tasks.goodhart.explaining.tellings.{name}").TELLING for name in NAMES
}

ORDERS: dict[str, Callable[[MatchedSet, int, dict[str, str]], Order]] = {"transitive_order": transitive_order.order}
