"""Units of measure as replies spell them. Two recognised units that differ make a number wrong, whatever its value."""

from __future__ import annotations

import re

_SPELLINGS: dict[str, dict[str, str]] = {
    "length": {
        "mile": "miles mi",
        "km": "kilometer kilometers kilometre kilometres kms",
        "m": "meter meters metre metres",
        "cm": "centimeter centimeters centimetre centimetres",
        "foot": "feet ft",
        "inch": "inches",
    },
    "money": {
        "$": "dollar dollars usd bucks",
        "cent": "cents ¢",
        "€": "euro euros eur",
        "£": "pound pounds gbp quid",
        "¥": "yen jpy",
        "franc": "francs chf",
        "florin": "florins",
        "crown": "crowns",
        "dinar": "dinars",
    },
    "duration": {
        "second": "seconds sec secs",
        "minute": "minutes min mins",
        "hour": "hours hr hrs h",
        "day": "days",
        "week": "weeks",
        "month": "months",
        "year": "years yr yrs",
    },
    "temperature": {"°c": "c celsius centigrade", "°f": "f fahrenheit", "kelvin": "kelvins"},
    "volume": {
        "cup": "cups",
        "tablespoon": "tablespoons tbsp",
        "teaspoon": "teaspoons tsp",
        "liter": "liters litre litres l",
        "ml": "milliliter milliliters millilitre millilitres",
    },
    "mass": {"g": "gram grams", "kg": "kilogram kilograms kilo kilos", "ounce": "ounces oz"},
    "portion": {"serving": "servings portion portions"},
    "share": {"%": "percent percentage pct"},
    "score": {"point": "points pts mark marks"},
    "heads": {"person": "people persons student students friend friends guest guests child children kid kids"},
}

_CANONICAL = {
    spelling: unit
    for units in _SPELLINGS.values()
    for unit, others in units.items()
    for spelling in (unit, *others.split())
}
_DIMENSION = {unit: dimension for dimension, units in _SPELLINGS.items() for unit in units}

RATE = "rate"  # "km per mile" is no quantity that any question asks for; "$1100 per month" is an amount

_AFTER = re.compile(
    r"[ ]{0,3}[-(]?(?:degrees?\s+|°\s?|US\s+|U\.S\.\s+)?(?P<word>°[CF]|[%€£¥¢]|\$(?!\s?\d)|per\s+cent|[A-Za-z]+)(?!\w)",
    re.IGNORECASE,
)
_PER = re.compile(r"\s*(?:/|\bper\b|\ban?\b)\s*(?P<word>[A-Za-z]+)", re.IGNORECASE)


def canonical(spelling: str) -> str:
    """The unit's one name ("Miles" -> "mile"), or "" for a word that is no unit known here."""
    return _CANONICAL.get("".join(spelling.lower().removeprefix("degrees ").split()), "")


def dimension(unit: str) -> str:
    return _DIMENSION.get(unit, unit)


def following(text: str, position: int) -> tuple[str, int]:
    """The unit that stands right after a number, and where it ends; ("", position) when none is recognised."""
    after = _AFTER.match(text, position)
    if after is None or not (unit := canonical(after["word"])):
        return "", position
    per = _PER.match(text, after.end())
    if per and dimension(unit) != "money" and dimension(canonical(per["word"])) not in ("", "heads"):
        return RATE, per.end()
    return unit, after.end()
