"""The values a text states: numbers, clock times, ordered lists of names, single names; each with where it stands.

Two spellings of one value compare equal ("$1,168.00" and "1168 dollars", "4:15 p.m." and "16:15"). What looks like a value
but cannot be read as one (a time without its half of the day, "1,5", a number of a hundred digits) has `key` None: it equals
nothing, yet it still stands in the place of an answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from harness_plugins.tasks.goodhart.grading import units

Kind = Literal["number", "clock", "sequence", "name"]
Key = Fraction | int | tuple[str, ...] | str

LONGEST_NUMBER = 24  # digits; anything longer is unreadable, and int() of it would be slow
TOLERANCE = Fraction(1, 10**12)  # relative: room for a printed binary float, none for a rounded answer


@dataclass(frozen=True)
class Value:
    start: int
    end: int
    text: str
    key: Key | None
    unit: str = ""

    def equals(self, other: Value) -> bool:
        """Same value, and units that agree where both are given."""
        if self.unit and other.unit and self.unit != other.unit:
            return False
        if isinstance(self.key, Fraction) and isinstance(other.key, Fraction):
            return abs(self.key - other.key) <= TOLERANCE * max(Fraction(1), abs(other.key))
        return self.key is not None and self.key == other.key


def find(text: str, kind: Kind, names: Sequence[str] = ()) -> list[Value]:
    """All values of one kind, left to right. `names`: those that occur in the problem, for the two kinds made of names."""
    if kind == "number":
        return numbers(text)
    if kind == "clock":
        return clocks(text)
    if kind == "sequence":
        return sequences(text, names)
    return single_names(text, names)


# ------------------------------------------------------------------------------------------------------------- numbers

_CURRENCY = r"[$€£¥]"
_NUMBER = re.compile(
    rf"""(?<![\w.,:])(?P<sign>[-+](?=\s?{_CURRENCY}?\s?[\d.]))?
    (?P<currency>(?:US)?{_CURRENCY}|\b(?:USD|EUR|GBP)\b)?\s?
    (?P<digits>\d+(?:,\d+)*(?:\.\d+)?|\.\d+)
    (?:\s(?P<top>\d+)/(?P<bottom>\d+)|\s?/\s?(?P<over>\d+)(?![\d.]))?""",
    re.VERBOSE,
)
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_NO_QUANTITY = re.compile(r"(?:st|nd|rd|th)\b", re.IGNORECASE)
_LIST_MARKER = re.compile(
    r"^\s*(?:[-*]\s+)?(?:\()?\d{1,2}[.)](?=\s+\S)|\bstep\s+\d{1,2}\b", re.IGNORECASE | re.MULTILINE
)
_DURATION = re.compile(
    r"(?<![\w.,:])(?P<hours>\d{1,3})\s*-?(?:hours?|hrs?|h)\b[\s,]*(?:and\s+)?(?P<minutes>\d{1,3})\s*-?(?:minutes?|mins?|m)\b",
    re.IGNORECASE,
)


def numbers(text: str) -> list[Value]:
    """Quantities with their units; list markers, ordinals, clock times and digits inside words are none."""
    found = [
        Value(m.start(), m.end(), m.group(), Fraction(60 * int(m["hours"]) + int(m["minutes"])), "minute")
        for m in _DURATION.finditer(text)
    ]
    other = (*_DURATION.finditer(text), *_CLOCK.finditer(text), *_LIST_MARKER.finditer(text))
    taken = {position for match in other for position in range(*match.span())}
    for match in _NUMBER.finditer(text):
        digits = match.start("digits")
        if _NO_QUANTITY.match(text, match.end()) or digits in taken:
            continue
        unit, end = units.following(text, match.end())
        key: Key | None = _fraction(match)
        if end == match.end() and text[end : end + 1].isalpha():
            key = None  # "15k", "1.2e3", "15x"
        if match["currency"]:
            prefix = units.canonical(match["currency"].removeprefix("US").strip()) or "$"
            unit = prefix if unit in ("", prefix) or units.dimension(unit) != "money" else units.RATE
        found.append(Value(match.start(), end, text[match.start() : end].strip(), key, unit))
    return sorted(found, key=lambda value: value.start)


def _fraction(match: re.Match[str]) -> Fraction | None:
    digits = match["digits"]
    parts = [part for part in (digits, match["top"], match["bottom"], match["over"]) if part]
    if any(len(part) > LONGEST_NUMBER for part in parts) or ("," in digits and not _GROUPED.fullmatch(digits)):
        return None
    value = Fraction(digits.replace(",", ""))
    if match["top"]:
        if not int(match["bottom"]):
            return None
        value += Fraction(int(match["top"]), int(match["bottom"]))
    elif match["over"]:
        if not int(match["over"]):
            return None
        value /= int(match["over"])
    return -value if match["sign"] == "-" else value


# ------------------------------------------------------------------------------------------------------------- clocks

_CLOCK = re.compile(
    r"""(?<![\w:.,])(?:
        (?P<hour>\d{1,2})(?P<colon>:(?P<minute>\d{2}))(?::\d{2})?(?![\d:])
            (?P<half>\s*[ap]\.?\s?m\b\.?|\s+in\s+the\s+(?:morning|afternoon|evening)|\s+(?:noon|midnight)\b)?
        |(?P<bare>\d{1,2})(?:\.(?P<dotted>\d{2}))?
            (?P<half2>\s*[ap]\.?\s?m\b\.?|\s+in\s+the\s+(?:morning|afternoon|evening)|\s+(?:noon|midnight)\b)
    )|\b(?P<word>noon|midday|midnight)\b""",
    re.VERBOSE | re.IGNORECASE,
)
_LENGTH_OF_TIME = re.compile(r"\s*-?(?:hours?|hrs?|h)\b", re.IGNORECASE)


def clocks(text: str) -> list[Value]:
    """Times of day, as minutes since midnight. "4:15" alone is unreadable: it names two times."""
    return [
        Value(match.start(), match.end(), match.group().strip(), _minutes(match))
        for match in _CLOCK.finditer(text)
        if not _LENGTH_OF_TIME.match(text, match.end())
    ]


def _minutes(match: re.Match[str]) -> int | None:
    if match["word"]:
        return 0 if match["word"].lower() == "midnight" else 12 * 60
    hour = int(match["hour"] or match["bare"])
    minute = int(match["minute"] or match["dotted"] or 0)
    half = "".join((match["half"] or match["half2"] or "").lower().replace(".", "").split())
    if hour > 23 or minute > 59:
        return None
    if not half:
        return 60 * hour + minute if hour == 0 or hour > 12 else None
    if half in ("noon", "midnight"):
        return (12 * 60 if half == "noon" else 0) if hour == 12 and minute == 0 else None
    afternoon = half in ("pm", "intheafternoon", "intheevening")
    if hour > 12 or hour == 0:
        return 60 * hour + minute if afternoon == (hour >= 12) else None
    return 60 * (hour % 12 + 12 * afternoon) + minute


# -------------------------------------------------------------------------------------------------------------- names

_WORD = re.compile(r"[^\W\d_][\w'-]*")
_SEPARATOR = re.compile(
    r"(?:\s*(?:,|;|>+|→|-+>|=+>|-|\n|\b(?:and|then|finally|lastly|next|followed\s+by)\b))+\s*", re.IGNORECASE
)
_JOINING = frozenset({"and", "then", "finally", "lastly", "next", "followed", "by"})
_LEADING = frozenset({"so", "thus", "therefore", "hence", "answer", "order", "ranking", "first", "here", "now"})
_ITEM_MARKER = re.compile(
    r"(?:^|(?<=\s))(?:(?P<number>\d{1,2})(?:[.):]|st:?|nd:?|rd:?|th:?)|(?P<bullet>[-*•]))\s+(?=[^\W\d_])"
)
_BARE_LINES = re.compile(r"^([^\W\d_]+),?[ ]*\n(?=[^\W\d_]+[,.]?[ ]*$)", re.MULTILINE)
_ASIDE = re.compile(r"\([^()\n]{0,60}\)")


def listed(text: str) -> str:
    """Items of a list, one a line, joined by arrows (numbered ones when they count up by one); asides in brackets dropped."""
    previous = 0

    def join(match: re.Match[str]) -> str:
        nonlocal previous
        number = int(match["number"]) if match["number"] else previous + 1
        follows, previous = previous and number == previous + 1, number
        return "→ " if follows else "\n"

    text = re.sub(r"\s*\n\s*→", " →", _ITEM_MARKER.sub(join, _ASIDE.sub("", text)))
    return _BARE_LINES.sub(r"\1 → ", text)


def sequences(text: str, names: Sequence[str]) -> list[Value]:
    """Runs of two or more names with nothing but separators between them, in the order written."""
    runs: list[list[re.Match[str]]] = []
    end = -1
    known = {name.lower() for name in names}
    for word in _WORD.finditer(text):
        lower = word.group().lower()
        if lower not in known and (lower in _JOINING or not word.group()[0].isupper()):
            continue
        if runs and _SEPARATOR.fullmatch(text, end, word.start()):
            runs[-1].append(word)
        else:
            runs.append([word])
        end = word.end()
    found = []
    for run in runs:
        while run and run[0].group().lower() in _LEADING - known:
            run.pop(0)
        if len(run) > 1:
            start, stop = run[0].start(), run[-1].end()
            found.append(Value(start, stop, text[start:stop], tuple(word.group().lower() for word in run)))
    return found


def single_names(text: str, names: Sequence[str]) -> list[Value]:
    """Every mention of one of the problem's names, as a whole word."""
    known = {name.lower() for name in names}
    return [
        Value(word.start(), word.end(), word.group(), word.group().lower())
        for word in _WORD.finditer(text)
        if word.group().lower() in known
    ]
