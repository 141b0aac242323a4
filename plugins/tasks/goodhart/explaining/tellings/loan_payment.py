"""A percentage asked once or every month; one payment, or what it leaves."""

from __future__ import annotations

from harness_plugins.tasks.goodhart.explaining.telling import Known, Quantity, Telling

LOAN = "[original|initial|principal] (loan|principal) [amount]; amount borrowed"
INTEREST = "[total|flat] interest [amount|owed|due] [on the loan]"
MONTHLY = "[monthly|one month's] interest [per month|for (one|each) month]"
TOTAL = "total [amount|sum|debt|cost|repayment] [to be repaid|to (repay|pay back)|owed|due]; total"
PAYMENT = "[one|each|equal|first] [monthly] payment [amount]; monthly payment[s]"
LEFT = "(remaining|outstanding) (balance|amount|debt|loan|sum); amount (still due|left|remaining)"


def quantities(known: Known, monthly: int, left: int) -> list[Quantity]:
    loan, rate, months = known("loan", "rate", "months")
    one = loan * rate / 100
    interest = one * months if monthly else one
    total = loan + interest
    payment = total / months
    return [
        Quantity("the loan", loan, LOAN, given=True),
        Quantity("the rate", rate, "[flat|interest|monthly] [interest] (rate|percentage)", given=True, rate=True),
        Quantity("the months", months, "[number of] (months|payments)", given=True),
        *(
            [Quantity("a month's interest", one, MONTHLY), Quantity("all the shares", months * rate / 100)]
            if monthly
            else []
        ),
        Quantity("the interest", interest, INTEREST),
        Quantity("the loan with interest", total, TOTAL),
        Quantity("a month's part of the loan", loan / months),
        Quantity("a payment's part of the interest", interest / months),
        *([Quantity("the payment", payment, PAYMENT)] if left else []),
        *([Quantity("the payments left", months - 1), Quantity("what is due", total - payment, LEFT)] if left else []),
        *([] if left else [Quantity("the payment", payment, f"{PAYMENT}; final answer")]),
    ]


TELLING = Telling(quantities)
