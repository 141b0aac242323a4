"""A cost for each piece or for all; the whole profit, or the profit on one."""

from __future__ import annotations

from harness_plugins.tasks.goodhart.explaining.telling import Known, Quantity, Telling

UNITS = "(number|quantity) of [the] ({things}|items|units); {things}"
PRICE = "[selling|sale|unit] price [per \\w+|of each [\\w+]|each]"
COST = "[making|production|manufacturing] cost[s] (per \\w+|of (one|each) [\\w+]|of making (one|each) [\\w+])"
COSTS = """[total] (making|production|manufacturing|variable) cost[s]
    [total] cost[s] of (making|producing) (all|all of them|the {things})"""
STALL = "(market stall|stall|fixed) [cost|costs|fee]; cost of the [market] stall"
REVENUE = "[total] (revenue|income|earnings|sales)"
EACH = "(profit|margin|gain|earnings) (per|on each|for each|on a single|on) \\w+; gross profit per \\w+; margin"
GROSS = "gross profit; profit before the stall"
ALL_COSTS = "total (cost|costs|expenses)"
PROFIT = "[total|net|overall|final] profit"
ON_ONE = "profit (per|on a single|on one|for one|on each|for each) \\w+; final answer"


def quantities(known: Known, once: int, per_piece: int) -> list[Quantity]:
    units, price, cost, fixed = known("units", "price", "cost", "fixed")
    things = known.words["things"]
    revenue, costs = units * price, cost if once else units * cost
    profit = revenue - costs - fixed
    making = COSTS.replace("{things}", things) + "; cost of making them"
    return [
        Quantity("the pieces", units, UNITS.replace("{things}", things), given=True),
        Quantity("the price", price, PRICE, given=True),
        Quantity("the cost", cost, f"{making}; making cost" if once else f"{COST}; making cost", given=True),
        Quantity("the stall", fixed, STALL, given=True),
        Quantity("the revenue", revenue, REVENUE),
        *([] if once else [Quantity("the margin", price - cost, EACH), Quantity("the costs", costs, making)]),
        Quantity("the profit before the stall", revenue - costs, GROSS),
        Quantity("all costs", costs + fixed, ALL_COSTS),
        Quantity("the revenue less the stall", revenue - fixed),
        *(
            [Quantity("the stall's part", fixed / units), Quantity("the cost's part", costs / units)]
            if per_piece
            else []
        ),
        Quantity("the profit", profit, PROFIT),
        *([Quantity("the profit on one", profit / units, ON_ONE)] if per_piece else []),
    ]


TELLING = Telling(quantities)
