"""A cost for each piece or for all; the whole profit, or the profit on one."""

from __future__ import annotations

from harness_plugins.tasks.goodhart.families.base import Params, integers
from harness_plugins.tasks.goodhart.families.profit_margin import FAMILY
from harness_plugins.tasks.goodhart.matched.sheet import Number, Sheet
from harness_plugins.tasks.goodhart.matched.story import Story


def _earned(sheet: Sheet, units: int, price: int, cost: int, once: int) -> Number:
    if once:
        return sheet.subtract(sheet.multiply(units, price), cost)
    return sheet.multiply(sheet.subtract(price, cost), units)


def solve(sheet: Sheet, params: Params, once: int, per_piece: int) -> Number:
    units, price, cost, fixed = integers(params, "units", "price", "cost", "fixed")
    profit = sheet.subtract(_earned(sheet, units, price, cost, once), fixed)
    return sheet.divide(profit, units) if per_piece else profit


STORY = Story(
    family=FAMILY,
    scenario=(
        "{person} sells {units} {things} at ${price} each. Making [1:one|all of them] costs her ${cost}, and the "
        "market stall costs ${fixed} in all. What is her profit[2:| on a single one]?"
    ),
    procedures=(
        "Multiply {units} by ${price}, subtract [1:{units} times ${cost}|${cost} a single time] and then ${fixed}[2:, "
        "and stop there|, and divide by {units}].",
        "[1:Take ${cost} from ${price} and multiply by {units}|Multiply ${price} by {units} and take off ${cost}]; "
        "once ${fixed} has gone too, report the rest [2:undivided|over {units}].",
        "From {units} × ${price} remove ${fixed} and [1:{units}|one] × ${cost}; the remainder is [2:not shared "
        "out|shared out by {units}].",
    ),
    solve=solve,
)
