"""All pay or all but one; everything, or the tip alone."""

from __future__ import annotations

from harness_plugins.tasks.goodhart.explaining.telling import Known, Quantity, Telling

BILL = "[total|original|initial] bill [amount]; bill total"
RATE = "tip (percentage|rate|percent)"
PEOPLE = "[total] number of (people|friends); friends; people"
TIP = "[total] tip [amount]; amount of the tip"
TOTAL = "total [amount|bill|cost|sum] [to be paid|including [the] tip|with [the] tip]; total; bill (with|including) [the] tip"
PAYERS = "number of (payers|paying friends|people (paying|who pay)); remaining (friends|people); payers"
PART = "[each] (share|part|amount) [of] [each (person|friend|payer) pays|per person]; final answer"


def quantities(known: Known, guest: int, tip_alone: int) -> list[Quantity]:
    bill, percent, people = known("bill", "tip", "people")
    tip = bill * percent / 100
    payers = people - guest
    whole = [
        Quantity("the bill with the tip", bill + tip, TOTAL),
        Quantity("a part of the bill", bill / payers),
        Quantity("a part of the tip", tip / payers),
        Quantity("the answer", (bill + tip) / payers, PART),
    ]
    return [
        Quantity("the bill", bill, BILL, given=True),
        Quantity("the percentage", percent, f"{RATE}; tip", given=True, rate=True),
        Quantity("the friends", people, PEOPLE if guest else f"{PEOPLE}; {PAYERS}", given=True),
        *([Quantity("those who pay", payers, PAYERS)] if guest else []),
        Quantity("the tip", tip, TIP),
        *([Quantity("a part of the bill", bill / payers)] if tip_alone else []),
        *([Quantity("the answer", tip / payers, PART)] if tip_alone else whole),
    ]


TELLING = Telling(quantities)
