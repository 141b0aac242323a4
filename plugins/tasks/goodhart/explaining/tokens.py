"""A reply as a row of tokens: operands (numbers, nouns of the story, "the result"), operations, and the words that tie them.

A token's kind is one character; whatever has no bearing is an "w".

    Q operand     S subtract  A add  M multiply  D divide  R reduce, go back  I increase, go forward  Y apply  C calculate
    V convert     K start with                    s, a, r, i: the passives ("is subtracted", "is reduced")
    U "the sum of", "the difference between"      P "both results"   + - * / ^ ( )  as they stand, or in words
    f from, off   b by, with   t to, on   o of    n and   e is, equals   g "to get", "which gives"   Z "every year", "again"
    l later than  k earlier than (on a clock)     . , :  end of a sentence, of a clause, of a headline
"""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import dataclass, replace
from fractions import Fraction

from harness_plugins.tasks.goodhart.explaining.amounts import Amount
from harness_plugins.tasks.goodhart.explaining.lexicon import ARTICLE, BACKWARD, DROPPED, OF_A_STEP, WORDS
from harness_plugins.tasks.goodhart.explaining.telling import Meaning
from harness_plugins.tasks.goodhart.grading.clocks import clocks
from harness_plugins.tasks.goodhart.grading.value import Value

MOST_TOKENS = 1500


Amounts = frozenset[Amount]
NOTHING: Amounts = frozenset()


@dataclass(frozen=True)
class Operand:
    """What a phrase may stand for: amounts as they are, and shares to be taken of something ("20%")."""

    text: str
    amounts: Amounts = NOTHING
    shares: Amounts = NOTHING
    named: bool = False  # by a noun, not by its digits
    back: bool = False  # a pronoun: what was found last
    unknown: bool = False  # a letter that is solved for
    step: int = 0  # a pronoun for the result of that step; negative: for the first, the second result of all
    decimals: int | None = None  # of a number that is written in digits
    hours: Amounts = NOTHING  # on a clock: of a bare number, if it counts hours
    says: Amounts = NOTHING  # of a noun: those that it is enough to name
    every: Amounts = NOTHING  # of a noun that was narrowed: all that it may stand for

    @property
    def means(self) -> Amounts:
        """The quantities among its amounts, without the plain number."""
        return frozenset(amount for amount in self.amounts if len({*amount.worlds}) > 1)

    @property
    def claimable(self) -> Amounts:
        return self.every | self.amounts | self.shares


@dataclass(frozen=True)
class Token:
    kind: str
    text: str
    operand: Operand | None = None


_NUMBER = re.compile(r"[$€£]?\s?(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)")
_UNIT = re.compile(
    r"[ -]?(?P<percent>%|percent\b|per cent\b)|[ -]?(?P<hour>hours?\b|hrs?\b|h\b)|[ -]?(?P<minute>min(?:ute)?s?\b)",
    re.I,
)
_AND_MINUTES = re.compile(r",? ?(?:and )?(?P<minutes>\d{1,3})[ -]?(?:minutes?|mins?|m)\b", re.IGNORECASE)
_NUMERALS = {
    word: number
    for number, word in enumerate(("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"), 1)
}
_NUMERAL = re.compile(
    rf"(?:{'|'.join(_NUMERALS)})(?=[ -](?:hours?|minutes?|years?|percent|miles?|kilomet|batch|serving|bowl))", re.I
)
_DEICTIC = re.compile(r"(?:this|that|these)\b", re.IGNORECASE)
_BARE_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?![\d:])")
_UNKNOWN = re.compile(r"(?<![\d)] )(?<![\d)])[xyz]\b(?!-)")
_WORD = re.compile(r"[A-Za-z]+(?:['-][A-Za-z]+)*")
_RATE = re.compile(r"[A-Za-z]+/[A-Za-z]+\b")  # "km/mile", "and/or"


def tokens(text: str, meaning: Meaning, computed: Set[Amount] = NOTHING) -> list[Token]:
    """Of a text that is free of markup. `computed`: further amounts that a number may stand for. Never raises."""
    found: list[Token] = []
    times = {value.start: value for value in clocks(text)} if meaning.clock else {}
    at = 0
    while at < len(text) and len(found) < MOST_TOKENS:
        if text[at] in " \t":
            at += 1
            continue
        token, end = _next(text, at, meaning, times)
        if token:
            found.append(_or_computed(token, computed))
        at = end
    return found


def _or_computed(token: Token, computed: Set[Amount]) -> Token:
    operand = token.operand
    if operand is None or operand.decimals is None or not operand.amounts:
        return token
    values = {amount.here for amount in operand.amounts}
    more = frozenset(amount for amount in computed if amount.here in values)
    return replace(token, operand=replace(operand, amounts=operand.amounts | more)) if more else token


def _next(text: str, at: int, meaning: Meaning, times: dict[int, Value]) -> tuple[Token | None, int]:
    if time := _clock(text, at, meaning, times):
        return time
    before, here = text[at - 1 : at], text[at]
    starts_word = not (before.isalnum() and here.isalnum()) or before.isdigit() != here.isdigit()
    if starts_word and (rate := _RATE.match(text, at)):
        return Token("w", rate.group()), rate.end()
    if starts_word and (found := _operand(text, at, meaning) or _word(text, at, meaning)):
        return found
    if word := _WORD.match(text, at):
        return (None if ARTICLE.match(word.group() + " ") else Token("w", word.group())), word.end()
    return None, at + 1


def _operand(text: str, at: int, meaning: Meaning) -> tuple[Token, int] | None:
    if step := OF_A_STEP.match(text, at):
        which = int(step["step"]) if step["step"] else (-1 if step["nth"].lower() == "first" else -2)
        return Token("Q", step.group(), Operand(step.group(), back=True, step=which)), step.end()
    back, noun = BACKWARD.match(text, at), _noun(text, at, meaning)
    if noun and not (back and back.end() >= noun[1] and not _DEICTIC.match(text, at)):
        return noun
    if number := _number(text, at, meaning):
        return number
    if letter := _UNKNOWN.match(text, at):
        return Token("Q", letter.group(), Operand(letter.group(), unknown=True)), letter.end()
    if back:
        means = noun[0].operand if noun else None
        operand = replace(means or Operand(""), text=back.group(), back=True)
        return Token("Q", back.group(), operand), back.end()
    return None


def _word(text: str, at: int, meaning: Meaning) -> tuple[Token | None, int] | None:
    for kind, pattern in WORDS:
        if kind in "lk" and not meaning.clock:
            continue
        if match := pattern.match(text, at):
            return Token(kind, match.group().strip()), match.end()
    dropped = DROPPED.match(text, at)
    return (None, dropped.end()) if dropped else None


def _clock(text: str, at: int, meaning: Meaning, times: dict[int, Value]) -> tuple[Token, int] | None:
    if not meaning.clock or not text[at].isalnum():
        return None
    value = times.get(at)
    if value is not None and isinstance(value.key, int):
        end, minutes = value.end, [value.key]
    elif match := _BARE_CLOCK.match(text, at):
        end, first = match.end(), 60 * int(match[1]) + int(match[2])
        minutes = [first, first + 720] if first < 780 else [first]
    else:
        return None
    days = [Fraction(minute + day) for minute in minutes for day in (-1440, 0, 1440)]
    amounts = frozenset(amount for time in days for amount in meaning.standing_for(time, time_of_day=True))
    return Token("Q", text[at:end], Operand(text[at:end], amounts, decimals=0)), end


def _noun(text: str, at: int, meaning: Meaning) -> tuple[Token, int] | None:
    article = ARTICLE.match(text, at)
    best = None
    for start in {at, article.end() if article else at}:
        for noun in meaning.nouns:
            match = noun.pattern.match(text, start)
            if match and match.end() > start and (best is None or match.end() > best[0]):
                best = (match.end(), noun)
            elif match and best and match.end() == best[0] and noun is not best[1]:
                both = best[1]
                best = (
                    best[0],
                    type(noun)(
                        noun.pattern, both.amounts | noun.amounts, both.shares | noun.shares, both.says | noun.says
                    ),
                )
    if best is None:
        return None
    end, noun = best
    phrase = text[at:end]
    return Token("Q", phrase, Operand(phrase, noun.amounts, noun.shares, named=True, says=noun.says)), end


def _number(text: str, at: int, meaning: Meaning) -> tuple[Token, int] | None:
    match = _NUMBER.match(text, at)
    if match:
        digits, end = match["digits"].replace(",", ""), match.end()
        if len(digits) > 15:
            return None
        value, decimals = Fraction(digits), len(digits.partition(".")[2])
    elif word := _NUMERAL.match(text, at):
        value, decimals, end = Fraction(_NUMERALS[word.group().lower()]), 0, word.end()
    else:
        return None
    unit = _UNIT.match(text, end)
    amounts, shares, hours = meaning.standing_for(value), NOTHING, NOTHING
    if unit and unit["percent"]:
        end = unit.end()
        amounts, shares = NOTHING, meaning.standing_for(value / 100)
    elif unit and meaning.clock and unit["hour"]:
        end = unit.end()
        total = value * 60
        if more := _AND_MINUTES.match(text, end):
            total, end = total + int(more["minutes"]), more.end()
        amounts = meaning.standing_for(total)
    elif unit and meaning.clock and unit["minute"]:
        end = unit.end()
    elif meaning.clock:
        hours = meaning.standing_for(value * 60)
    phrase = text[at:end].strip()
    return Token("Q", phrase, Operand(phrase, amounts, shares, decimals=decimals, hours=hours)), end
