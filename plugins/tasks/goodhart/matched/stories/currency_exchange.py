"""The fixed sum in the new money or in the old, so after the exchange or before; kept or given."""

from __future__ import annotations

from fractions import Fraction

from harness_plugins.tasks.goodhart.families.base import Params, integers
from harness_plugins.tasks.goodhart.families.currency_exchange import FAMILY
from harness_plugins.tasks.goodhart.matched.story import Story


def answer(params: Params, first: int, gift: int) -> Fraction:
    amount, tenths, fee = integers(params, "amount", "tenths", "fee")
    rate, extra = Fraction(tenths, 10), fee if gift else -fee
    return (amount + extra) * rate if first else amount * rate + extra


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
    answer=answer,
)
