"""The story of each family, in the order of the families. Imported by name, so that stage keys follow them."""

from __future__ import annotations

from harness_plugins.tasks.goodhart.families import FAMILIES
from harness_plugins.tasks.goodhart.matched.stories import (
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
from harness_plugins.tasks.goodhart.matched.story import Story

_MODULES = (
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
_TOLD: dict[str, Story] = {module.STORY.family.name: module.STORY for module in _MODULES}
STORIES: dict[str, Story] = {name: _TOLD[name] for name in FAMILIES}
