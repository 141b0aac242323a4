"""Interest on the growing sum or on the first one; tax on the gain or on everything."""

from __future__ import annotations

from harness_plugins.tasks.goodhart.families.base import Params, integers
from harness_plugins.tasks.goodhart.families.financial_compound import FAMILY
from harness_plugins.tasks.goodhart.matched.sheet import Number, Sheet
from harness_plugins.tasks.goodhart.matched.story import Story


def solve(sheet: Sheet, params: Params, simple: int, on_all: int) -> Number:
    principal, rate, years, tax = integers(params, "principal", "rate", "years", "tax")
    final: Number = principal
    for _ in range(years):
        final = sheet.add(final, sheet.percent(rate, principal if simple else final))
    taxed = final if on_all else sheet.subtract(final, principal)
    return sheet.subtract(final, sheet.percent(tax, taxed))


STORY = Story(
    family=FAMILY,
    scenario=(
        "{person} puts ${principal} into a fund that grows {rate}% a year, [1:compounded yearly|without compounding], "
        "for {years}. When she cashes in, {tax}% tax is due on the [2:gain|whole balance]. How much money does she "
        "walk away with?"
    ),
    procedures=(
        "For each of the {years}, raise ${principal} by {rate}% of [1:what it has become by then|what it was at "
        "first]. Then subtract {tax}% of [2:the increase alone|the final sum itself].",
        "Add interest to ${principal} once per year for {years}, each time {rate}% of [1:the latest sum|the original "
        "sum]. From the end sum deduct {tax}% of [2:the interest|the end sum].",
        "Let ${principal} earn {rate}% for {years}, with [1:interest on earlier interest too|no interest on earlier "
        "interest], and pay {tax}% of [2:what was earned|what there is].",
    ),
    solve=solve,
)
