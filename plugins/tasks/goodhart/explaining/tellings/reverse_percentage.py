"""The price before or the price after; a price, or the difference."""

from __future__ import annotations

from harness_plugins.tasks.goodhart.explaining.amounts import Amount
from harness_plugins.tasks.goodhart.explaining.telling import Known, Quantity, Telling

PAID = "(sale|discounted|reduced|final|current|new) (price|cost); price after the (discount|reduction); price; cost"
FULL = "(original|initial|regular|full|current|listed) (price|cost); price before the (discount|reduction); price; cost"
PERCENT = "[discount|reduction] (percentage|percent|rate); discount; reduction"
OFF = "[amount of the] (discount|reduction) [amount]; amount (off|saved); difference"


def quantities(known: Known, forward: int, difference: int) -> list[Quantity]:
    percent, paid = known("percent", "paid")
    share = percent / 100
    other = paid * (1 - share) if forward else paid / (1 - share)
    off = paid - other if forward else other - paid
    last = [Quantity("the other price", other, PAID if forward else FULL), Quantity("the reduction", off, OFF)]
    return [
        Quantity("the price given", paid, FULL if forward else PAID, given=True),
        Quantity("the percentage", percent, PERCENT, given=True, rate=True),
        Quantity("the share that is left", 1 - share, "(remaining|left) (percentage|share|percent)", given=True),
        *([] if forward else _part_by_part(paid, percent)),
        *(last if difference else reversed(last)),
    ]


def _part_by_part(paid: Amount, percent: Amount) -> list[Quantity]:
    one = paid / (100 - percent)
    return [
        Quantity("one percent of the full price", one),
        Quantity("ten percent of the full price", one * 10),
        Quantity("the tens that are left", (100 - percent) / 10),
    ]


TELLING = Telling(quantities)
