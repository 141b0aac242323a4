"""Which families there are, in the order of the reports: the seven of `goodhart7` first."""

from __future__ import annotations

from harness_plugins.tasks.goodhart.families import discount_coupon, time_duration
from harness_plugins.tasks.goodhart.families.base import Family

FAMILIES: dict[str, Family] = {
    module.FAMILY.name: module.FAMILY
    for module in (
        discount_coupon,
        time_duration,
    )
}

GOODHART20 = tuple(FAMILIES)
GOODHART7 = GOODHART20[:7]
