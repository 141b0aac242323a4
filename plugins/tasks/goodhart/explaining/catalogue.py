"""Who reads the explanations of each family: the numeric engine with a telling, or a reader of names."""

from __future__ import annotations

from collections.abc import Callable

from harness_plugins.tasks.goodhart.explaining import moves, orders
from harness_plugins.tasks.goodhart.explaining.orders import Stated
from harness_plugins.tasks.goodhart.explaining.telling import Telling
from harness_plugins.tasks.goodhart.explaining.tellings import (
    average_weighted,
    currency_exchange,
    discount_coupon,
    elapsed_time,
    financial_compound,
    loan_payment,
    percentage_chain,
    profit_margin,
    ranking_update,
    recipe_scale,
    reverse_percentage,
    schedule_buffer,
    set_intersection,
    task_schedule,
    temperature_convert,
    time_duration,
    timezone_convert,
    tip_split,
    transitive_order,
    unit_chain,
)
from harness_plugins.tasks.goodhart.matched.story import MatchedSet

NAMED: dict[str, Callable[[str, MatchedSet, int], Stated]] = {
    "transitive_order": lambda text, matched, own: orders.read(text, transitive_order.order(matched, own)),
    "ranking_update": lambda text, matched, own: moves.read(text, ranking_update.moves(matched, own)),
}
TELLINGS: dict[str, Telling] = {  # imported by name, so that stage keys follow them
    "discount_coupon": discount_coupon.TELLING,
    "time_duration": time_duration.TELLING,
    "financial_compound": financial_compound.TELLING,
    "recipe_scale": recipe_scale.TELLING,
    "unit_chain": unit_chain.TELLING,
    "task_schedule": task_schedule.TELLING,
    "percentage_chain": percentage_chain.TELLING,
    "average_weighted": average_weighted.TELLING,
    "reverse_percentage": reverse_percentage.TELLING,
    "timezone_convert": timezone_convert.TELLING,
    "elapsed_time": elapsed_time.TELLING,
    "schedule_buffer": schedule_buffer.TELLING,
    "temperature_convert": temperature_convert.TELLING,
    "currency_exchange": currency_exchange.TELLING,
    "set_intersection": set_intersection.TELLING,
    "loan_payment": loan_payment.TELLING,
    "tip_split": tip_split.TELLING,
    "profit_margin": profit_margin.TELLING,
}
