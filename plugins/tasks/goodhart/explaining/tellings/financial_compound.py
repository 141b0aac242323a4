"""Interest on the growing sum or on the first one; tax on the gain or on everything."""

from __future__ import annotations

from harness_plugins.tasks.goodhart.explaining.telling import Known, Quantity, Telling
from harness_plugins.tasks.goodhart.families.base import Params

PRINCIPAL = """(initial|original|starting|principal|invested|first) [investment|amount|principal|sum|deposit|balance|value]
    (initial|original) investment amount; investment; principal; \\bP\\b(?=\\W)"""
RATE = "[annual|yearly] (interest|growth) rate; rate; (annual|yearly) (interest|growth); \\br\\b(?=\\W)"
WHOLE = "(final|total|end|ending|future|overall|whole|accumulated|compound|compounded|resulting|account|entire)"
SUM = "(balance|amount|value|sum|fund|investment|money|account)"
END = "(after|at the end of) [the] (second|last|2|two|final|\\d) year[s]"
BALANCE = f"""{WHOLE} [account|investment|fund] {SUM} [before tax] [{END}]; balance; (amount|value|worth|balance) {END}
    (value|worth) of the (fund|investment); (fund|investment)'s value; FV; \\bA\\b(?= ?=)"""
COMPOUND = """compound[ed] (interest|growth) [formula|amount]; compounding (each|every) year
    P ?(?:\\*|×)? ?\\( ?1 ?\\+ ?r ?(?:/ ?n ?)?\\) ?\\^ ?(?:\\(|\\{)?n?t?(?:\\)|\\})?"""
SIMPLE = "simple interest [formula|amount]"
YEARLY = "[annual|yearly|first year's] (interest|growth) [earned|amount] [for (the first|each|one) year|per year]"
ONE_YEAR = """[new|updated|current] (balance|amount|value) (after|at the end of) (the first year|one year|year 1|each year)
    (new|updated|current) (balance|amount|value)"""
GAIN = "[total|capital|net] (gain|gains|profit|profits|interest|earnings|growth) [earned|amount|made]; amount (gained|earned)"
NET_GAIN = "(net|after-tax|remaining) (gain|profit|interest); (gain|profit|interest) after tax[es]"
TAX = "tax[es] [amount|due|owed|liability]; amount of tax[es]"
TAX_ON_GAIN = f"({TAX.replace('; ', '|')}) (on|of) [the|her|this] (gain|gains|profit|interest|earnings)"
TAX_ON_ALL = f"({TAX.replace('; ', '|')}) (on|of) [the|her|this] [whole|total|final|entire] (balance|amount|sum|value)"
LEFT = """(final|total|remaining|net|after-tax) [amount|balance|sum|money|proceeds|value] [of money] [after tax|after taxes]
    amount (after tax[es]|left|\\w+ walks away with); final answer; money \\w+ walks away with"""


def quantities(known: Known, simple: int, on_all: int) -> list[Quantity]:
    principal, rate, years, percent = known("principal", "rate", "years", "tax")
    interest = principal * rate / 100
    after_one = principal + interest
    second = interest if simple else after_one * rate / 100
    final = after_one + second * (years - 1)
    gain = final - principal
    tax = (final if on_all else gain) * percent / 100
    growth = 1 + rate * years / 100 if simple else (1 + rate / 100) ** years
    return [
        Quantity("the principal", principal, PRINCIPAL, given=True),
        Quantity("the rate", rate, RATE, given=True, rate=True),
        Quantity("the years", years, "[number of] years; time; \\bt\\b(?=\\W)", given=True),
        Quantity("the tax rate", percent, "tax [rate|percentage]; \\d+% tax", given=True, rate=True),
        Quantity("one year's interest", interest, YEARLY),
        Quantity("the second year's interest", second, "second year's (interest|growth); interest for the second year"),
        Quantity("the balance after a year", after_one, ONE_YEAR),
        Quantity("the factor of growth", growth),
        Quantity("the share of growth", growth - 1),
        Quantity("the gain" if simple else "the balance", gain if simple else final, SIMPLE if simple else COMPOUND),
        Quantity("the balance", final, BALANCE),
        Quantity("the gain", gain, GAIN),
        Quantity("the gain after tax", gain * (1 - percent / 100), NET_GAIN),
        Quantity("the tax", tax, TAX, by_name=False),
        Quantity("the tax", tax, TAX_ON_ALL if on_all else TAX_ON_GAIN),
        Quantity("what is left after tax", final - tax, LEFT),
    ]


def regime(params: Params) -> object:
    return params["years"]


TELLING = Telling(quantities, regime, repeats="years")
