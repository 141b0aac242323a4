"""The values a text states: numbers, clock times, ordered lists of names, single names; each with where it stands.

Two spellings of one value compare equal ("$1,168.00" and "1168 dollars", "4:15 p.m." and "16:15"). What looks like a value
but cannot be read as one (a time without its half of the day, "1,5", a number of a hundred digits) has `key` None: it equals
nothing, yet it still stands in the place of an answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from harness_plugins.tasks.goodhart.grading.clocks import clocks
from harness_plugins.tasks.goodhart.grading.numbers import numbers
from harness_plugins.tasks.goodhart.grading.value import Value

Kind = Literal["number", "clock", "sequence", "name"]


def find(text: str, kind: Kind, names: Sequence[str] = (), unit: str = "") -> list[Value]:
    """All values of one kind, left to right. `names`: those that occur in the problem, for the two kinds made of names.
    `unit`: what a number is in that names no unit, as far as it tells how the number is written."""
    if kind == "number":
        return numbers(text, unit)
    if kind == "clock":
        return clocks(text)
    if kind == "sequence":
        return sequences(text, names)
    return single_names(text, names)


_WORD = re.compile(r"[^\W\d_][\w'-]*")
_SEPARATOR = re.compile(
    r"(?:\s*(?:,|;|>+|[→⇒➜➔⟶≻|/—]|-+>|=+>|-|\n|\b(?:and|then|finally|lastly|next|followed\s+by)\b))+\s*", re.IGNORECASE
)
_JOINING = frozenset({"and", "then", "finally", "lastly", "next", "followed", "by"})
_LEADING = frozenset({"so", "thus", "therefore", "hence", "answer", "order", "ranking", "first", "here", "now"})
_ITEM_MARKER = re.compile(
    r"(?:^|(?<=\s))(?:(?P<number>\d{1,2})(?:[.):]|st:?|nd:?|rd:?|th:?)|(?P<bullet>[-*•]))\s+(?=[^\W\d_])"
)
_BARE_LINES = re.compile(r"(?:^|(?<=: ))([^\W\d_]+),?[ ]*\n(?=[^\W\d_]+[,.]?[ ]*$)", re.MULTILINE)
_QUOTES = re.compile(r"[\"“”\[\]]|(?<!\w)'|'(?!\w)")
_IN_BRACKETS = re.compile(r"(^|[:=]\s*|\bis\s+)\(([^()\n]*)\)", re.MULTILINE)
_PLACES = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")
_PLACE = re.compile(rf"\b({'|'.join(_PLACES)})(?:\s+place)?:?\s+(?=[A-Z])", re.IGNORECASE)
_ROW = re.compile(r"^\s*\|?\s*#?(\d{1,2})\s*[-–|]?\s+(?=[^\W\d_])", re.MULTILINE)  # "#1 Al", "1 - Al", "| 1 | Al |"
_LETTERED = re.compile(r"^\s*[a-h]\)\s+", re.MULTILINE)
_SIGNS = {ord(sign): f" {number}. " for signs in ("①②③④⑤⑥⑦⑧", "🥇🥈🥉") for number, sign in enumerate(signs, 1)}
_ASIDE = re.compile(r"\([^()\n]{0,60}\)")


def listed(text: str) -> str:
    """Items of a list, one a line, joined by arrows (numbered ones when they count up by one); quotes and asides in brackets
    dropped."""
    previous = 0
    text = _QUOTES.sub("", text.translate(_SIGNS))
    text = _IN_BRACKETS.sub(r"\1\2", text)
    text = _PLACE.sub(lambda place: f" {_PLACES.index(place[1].lower()) + 1}. ", text)
    text = _LETTERED.sub("- ", _ROW.sub(r"\1. ", text))
    text = re.sub(r"[ ]*\|[ ]*$", "", text, flags=re.MULTILINE)

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
        Value(word.start(), word.end(), word.group(), name)
        for word in _WORD.finditer(text)
        if (name := word.group().lower().removesuffix("'s")) in known
    ]
