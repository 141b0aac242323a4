"""Quantities in a text: their digits in the ways that people group them, their sign, their unit."""

from __future__ import annotations

import re
from fractions import Fraction

from harness_plugins.tasks.goodhart.grading import units
from harness_plugins.tasks.goodhart.grading.clocks import CLOCK
from harness_plugins.tasks.goodhart.grading.value import Value

LONGEST_NUMBER = 24  # digits; anything longer is unreadable, and int() of it would be slow

_CURRENCY = r"[$€£¥]"
_NUMBER = re.compile(
    rf"""(?<![\w.,:√^])(?P<sign>[-+](?=\s?{_CURRENCY}?\s?[\d.]))?(?P<gap>\s?)
    (?P<currency>(?:US)?{_CURRENCY}|\b(?:USD|EUR|GBP|JPY|CHF)(?=\s?[\d.]))?\s?
    (?P<digits>[1-9]\d{{0,2}}(?:[ ]\d{{3}})+(?!\d)(?:[.,]\d+)?|\d+(?:[.,'_]\d+)*|\.\d+)
    (?:[eE](?P<power>[-+]?\d{{1,3}})(?![\d.])|\s?[×x*]\s?10(?:\^|\*\*)\s?\{{?(?P<power2>[-+]?\d{{1,3}})\}}?
      |(?:\s|\s+and\s+)(?P<top>\d+)/(?P<bottom>\d+)|\s?/\s?(?P<over>\d+)(?![\d.]))?""",
    re.VERBOSE,
)
_PLAIN = re.compile(r"\d+(?:\.\d+)?|\.\d+|[1-9]\d{0,2}(?:(?P<mark>[,'_ ])\d{3})(?:(?P=mark)\d{3})*(?:\.\d+)?")
_CONTINENTAL = re.compile(r"\d+,\d{1,2}|0,\d+|[1-9]\d{0,2}(?:(?P<mark>[.' ])\d{3})(?:(?P=mark)\d{3})*(?:,\d+)?")
_CONTINENTAL_UNITS = frozenset({"€"})  # of amounts that may be written 1.234,50

_NO_QUANTITY = re.compile(r"(?:st|nd|rd|th)\b", re.IGNORECASE)
_NO_EXACT_QUANTITY = re.compile(r"[²³⁴^]|\s?(?:\.{2,}|…|±)\s?\d|\+(?=[\s.,;)]|$)")  # a power, a range, "15+"
_SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9}
_SCALE = re.compile(rf"\s?(?P<scale>{'|'.join(_SCALES)})\b", re.IGNORECASE)
_LIST_MARKER = re.compile(
    r"^\s*(?:[-*]\s+)?(?:\()?\d{1,2}[.)](?=\s+\S)|\bstep\s+\d{1,2}\b", re.IGNORECASE | re.MULTILINE
)
_DURATION = re.compile(
    r"(?<![\w.,:])(?P<hours>\d{1,3})\s*-?(?:hours?|hrs?|h)(?![a-z])[\s,]*(?:and\s+)?"
    r"(?P<minutes>\d{1,3})\s*-?(?:minutes?|mins?|m)\b",
    re.IGNORECASE,
)

_MONEY = re.compile(
    r"(?<![\w.,:])(?P<dollars>\d{1,9}|[1-9]\d{0,2}(?:,\d{3})+)\s*dollars?[\s,]*(?:and\s+)?(?P<cents>\d{1,2})\s*cents?\b",
    re.IGNORECASE,
)

_BEGINS = (
    r"(?:^|[:=(\n*\"]|\b(?:is|was|be|equals?|at|of|to|about|approximately|exactly|reads|becomes|gives|reaches))\s*"
)
_MINUS = re.compile(rf"(?:{_BEGINS}minus|\bnegative)\s+$", re.IGNORECASE)
_BELOW = re.compile(r"\s*(?:degrees?\s+)?below\s+(?:zero|freezing)\b", re.IGNORECASE)
_OPENS = re.compile(rf"(?:(?:^|[:=\n]|\bis)\s*|(?P<currency>{_CURRENCY})\s?)\(\s?$")
_CLOSES = re.compile(r"\s?\)\s*[.!;,]?\s*(?:$|\n)")
_OPERAND = re.compile(rf"[\w)%]\s*$|{_CURRENCY}\s*$")
_UNIT_BEFORE = re.compile(r"(?:^|[:=\n])\s*(?P<word>[A-Za-z]+)\s+$")

_LOOK_BACK = 40  # characters


def numbers(text: str, unit: str = "") -> list[Value]:
    """Quantities with their units; list markers, ordinals, clock times and digits inside words are none.

    `unit` is what the question asks for: it decides whether "(5)" may be a loss and whether "1.234,50" may be read.
    """
    asked = units.canonical(unit)
    durations = list(_DURATION.finditer(text))
    found = [
        Value(m.start(), m.end(), m.group(), Fraction(60 * int(m["hours"]) + int(m["minutes"])), "minute")
        for m in durations
    ]
    amounts = list(_MONEY.finditer(text))
    found += [
        Value(m.start(), m.end(), m.group(), int(m["dollars"].replace(",", "")) + Fraction(int(m["cents"]), 100), "$")
        for m in amounts
    ]
    other = (*durations, *amounts, *CLOCK.finditer(text), *_LIST_MARKER.finditer(text))
    taken = {position for match in other for position in range(*match.span())}
    for match in _NUMBER.finditer(text):
        if not _NO_QUANTITY.match(text, match.end()) and match.start("digits") not in taken:
            found.append(_value(text, match, asked))
    return sorted(found, key=lambda value: value.start)


def _value(text: str, match: re.Match[str], asked: str) -> Value:
    start, end = match.start(), match.end()
    before = text[max(0, start - _LOOK_BACK) : start]
    factor = 1
    if scale := _SCALE.match(text, end):
        factor, end = _SCALES[scale["scale"].lower()], scale.end()
    unit, after = units.following(text, end)
    unreadable = (after == end and text[end : end + 1].isalpha()) or _NO_EXACT_QUANTITY.match(text, after)  # 15k, 15x
    end = after
    if match["currency"]:
        prefix = units.canonical(match["currency"].removeprefix("US").strip()) or "$"
        unit = prefix if unit in ("", prefix) or units.dimension(unit) != "money" else units.RATE
    elif not unit and (word := _UNIT_BEFORE.search(before)):
        unit = units.canonical(word["word"])
    amount = None if unreadable else _amount(match, unit or asked)
    sign = match["sign"] or ""
    if sign and match["gap"] and match["currency"] and _OPERAND.search(before):
        sign, start = "", match.start("currency")  # "$20 - $5" is a difference
    elif minus := _MINUS.search(before):
        sign, start = "-", start - len(minus.group())
    elif below := (_BELOW.match(text, end) if units.dimension(unit or asked) == "temperature" else None):
        sign, end = "-", below.end()
    elif not sign and not match["over"] and (brackets := _brackets(text, before, end, unit or asked)):
        sign, start, end = "-", start - brackets[0], brackets[1]
    if amount is not None:
        amount *= -factor if sign == "-" else factor
    start += len(text[start:end]) - len(text[start:end].lstrip())
    return Value(start, end, text[start:end].strip(), amount, unit)


def _brackets(text: str, before: str, end: int, unit: str) -> tuple[int, int] | None:
    """Is the amount one of an account, in brackets because it is negative? How far they open before it, where they end."""
    opening, closing = _OPENS.search(before), _CLOSES.match(text, end)
    if not opening or not closing or units.dimension(unit) != "money":
        return None
    return len(opening.group().lstrip(" :=\n").removeprefix("is").lstrip()), text.index(")", end) + 1


def _amount(match: re.Match[str], unit: str) -> Fraction | None:
    value = _decimal(match["digits"], unit)
    parts = [part for part in (match["digits"], match["top"], match["bottom"], match["over"]) if part]
    if value is None or any(len(part) > LONGEST_NUMBER for part in parts):
        return None
    if match["top"]:
        return value + Fraction(int(match["top"]), int(match["bottom"])) if int(match["bottom"]) else None
    if power := match["power"] or match["power2"]:
        return value * Fraction(10) ** int(power) if abs(int(power)) <= LONGEST_NUMBER else None
    if match["over"]:
        return value / int(match["over"]) if int(match["over"]) else None
    return value


def _decimal(digits: str, unit: str) -> Fraction | None:
    if len(digits) > LONGEST_NUMBER:
        return None
    if unit in _CONTINENTAL_UNITS and _CONTINENTAL.fullmatch(digits):
        return Fraction(re.sub(r"[.' ]", "", digits).replace(",", "."))
    return Fraction(re.sub(r"[,'_ ]", "", digits)) if _PLAIN.fullmatch(digits) else None
