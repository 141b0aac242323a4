"""The fixed sum in the new money or in the old, so after the exchange or before; kept or given."""

from __future__ import annotations

from fractions import Fraction

from harness_plugins.tasks.goodhart.families.base import Params, integers
from harness_plugins.tasks.goodhart.families.currency_exchange import FAMILY
from harness_plugins.tasks.goodhart.matched.sheet import Number, Sheet
from harness_plugins.tasks.goodhart.matched.story import Story


def solve(sheet: Sheet, params: Params, first: int, gift: int) -> Number:
    amount, tenths, fee = integers(params, "amount", "tenths", "fee")
    rate, change = Fraction(tenths, 10), sheet.add if gift else sheet.subtract
    return sheet.multiply(change(amount, fee), rate) if first else change(sheet.multiply(amount, rate), fee)


STORY = Story(
    family=FAMILY,
    scenario=(
        "{person} changes {amount} dollars into {money}. One dollar is worth {rate} {money}, and the desk [2:keeps a "
        "fee|adds a gift] of {fee} [1:{money}|dollars]. How many {money} does she get?"
    ),
    procedures=(
        "[12:Multiply {amount} by {rate}, then subtract {fee}|Multiply {amount} by {rate}, then add {fee}|Subtract "
        "{fee} from {amount}, then multiply by {rate}|Add {fee} to {amount}, then multiply by {rate}].",
        "The {fee} [2:comes off|goes onto] the [1:product of {amount} and {rate}|{amount} that is then multiplied by "
        "{rate}].",
        "Apply the rate {rate} to [1:{amount} itself; afterwards the result is|{amount} as it is after being] "
        "[2:lowered|raised] by {fee}.",
    ),
    solve=solve,
)
