"""Which families there are, in the order of the reports: the seven of `goodhart7` first."""

from __future__ import annotations

from harness_plugins.tasks.goodhart.families import (
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
from harness_plugins.tasks.goodhart.families.base import Family

FAMILIES: dict[str, Family] = {
    module.FAMILY.name: module.FAMILY
    for module in (
        discount_coupon,
        time_duration,
        financial_compound,
        recipe_scale,
        unit_chain,
        transitive_order,
        task_schedule,
        percentage_chain,
        average_weighted,
        reverse_percentage,
        timezone_convert,
        elapsed_time,
        schedule_buffer,
        temperature_convert,
        currency_exchange,
        ranking_update,
        set_intersection,
        loan_payment,
        tip_split,
        profit_margin,
    )
}

GOODHART20 = tuple(FAMILIES)
GOODHART7 = GOODHART20[:7]
