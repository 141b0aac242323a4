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
        "For each of the {years}, raise ${principal} by {rate}% of [1:the latest sum, not the first|the first sum, not "
        "the latest]. Then subtract {tax}% of [2:the end sum without ${principal}|the end sum with ${principal}].",
        "Begin with ${principal}. Once per year, for {years}, put in {rate}% of what is there [1:that year, not the "
        "first year|the first year, not that year]. Take away {tax}% of [2:what came in, not of all there is|all there "
        "is, not of what came in].",
        "Let ${principal} earn {rate}% for {years}, on a base [1:that moves rather than stays|that stays rather than "
        "moves]. Deduct {tax}% of the final amount [2:without|with] what was paid in.",
    ),
    solve=solve,
)
