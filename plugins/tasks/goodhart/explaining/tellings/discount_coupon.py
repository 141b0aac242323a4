"""A coupon after the sale or before it; what is paid, or what is saved."""

from __future__ import annotations

from harness_plugins.tasks.goodhart.explaining.telling import Known, Quantity, Telling

PRICE = """(original|regular|list|initial|full|starting|marked|base|tag) [tag] (price|cost|amount|value)
    (price|cost) [on the] tag; tag; price; cost; original"""
PERCENTAGE = "(discount|sale|reduction|percentage) [rate|percentage|percent|off]; sale discount [percentage]"
COUPON = """(coupon|voucher) [amount|value|discount|worth]; (coupon|voucher)'s (value|amount)
    (value|worth) of the (coupon|voucher)"""
DISCOUNT = """[sale|dollar] (discount|reduction|savings) [amount|value] [from the sale]
    amount of [the] (discount|reduction); amount (off|saved) [from the sale]"""
REDUCED = "(discounted|sale|reduced|new|remaining|adjusted)"
AFTER_SALE = f"""{REDUCED} [sale] (price|cost|amount|total); final price [after the discount]
    (amount|price|cost) after [applying] [the] [\\d+% off] (discount|sale)"""
AFTER_COUPON = (
    "(reduced|new|remaining|adjusted|discounted|cut|coupon) [tag] (price|amount|cost|total); price after [the] coupon"
)
PAID = """(final|total|end) [price|cost|amount|bill|payment] [to pay|you pay|paid|i pay|after the coupon]
    amount (you|i|to) [need to|have to|will|end up] pay[ing]; price (you|i) [will] pay; bill; final answer"""
SAVED = "(total|overall) (saving|savings|discount|reduction) [amount] [in all]; saving[s]; [total] amount saved; (you|i) save"


def quantities(known: Known, before: int, saved: int) -> list[Quantity]:
    price, percent, coupon = known("price", "percent", "coupon")
    on_sale = price - coupon if before else price
    discount = on_sale * percent / 100
    sale = on_sale - discount
    paid = sale if before else sale - coupon
    last = [Quantity("what is paid", paid, PAID), Quantity("what is saved", price - paid, SAVED)]
    return [
        Quantity("the price", price, PRICE, given=True),
        Quantity("the percentage", percent, PERCENTAGE, given=True, rate=True),
        Quantity("the coupon", coupon, COUPON, given=True),
        Quantity("the discount", discount, DISCOUNT),
        *([Quantity("the price less the coupon", on_sale, AFTER_COUPON)] if before else []),
        Quantity("the price after both" if before else "the sale price", sale, AFTER_SALE),
        *(last if saved else reversed(last)),
    ]


TELLING = Telling(quantities)
