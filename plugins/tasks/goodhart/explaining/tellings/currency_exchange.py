"""The fixed sum in the new money or in the old, so after the exchange or before; kept or given."""

from __future__ import annotations

from harness_plugins.tasks.goodhart.explaining.telling import Known, Quantity, Telling

AMOUNT = "[original|initial] (amount|dollars) [in dollars|of dollars]; number of dollars"
RATE = "[exchange|conversion] rate"
FEE, GIFT = "fee [amount]; desk's fee", "gift [amount]; desk's gift"
EXCHANGED = "(converted|exchanged|total) [amount|value] [in {money}]; amount (in|of) {money}; {money}"
CHANGED = "(remaining|new|net|adjusted|total) (amount|dollars) [in dollars]; amount after the (fee|gift)"
ASKED = "(final|net|total|remaining) [amount] [of {money}]; final answer"


def quantities(known: Known, first: int, gift: int) -> list[Quantity]:
    amount, tenths, fee = known("amount", "tenths", "fee")
    rate, extra = tenths / 10, fee if gift else -fee
    money = known.words["money"]
    before = Quantity("the dollars that are exchanged", amount + extra, CHANGED)
    exchanged = Quantity("what the exchange gives", amount * rate, EXCHANGED.replace("{money}", money))
    result = (amount + extra) * rate if first else amount * rate + extra
    return [
        Quantity("the dollars", amount, AMOUNT, given=True),
        Quantity("the rate", rate, RATE, given=True),
        Quantity("the gift" if gift else "the fee", fee, GIFT if gift else FEE, given=True),
        before if first else exchanged,
        *([exchanged, Quantity("the fee, exchanged", fee * rate)] if first else []),
        Quantity("what she gets", result, ASKED.replace("{money}", money)),
    ]


TELLING = Telling(quantities)
