"""Explanations by formula: "(25 × 0.8) − 5" says what is done, with what, and in which order.

A formula counts when its value is the problem's answer and every given number enters it, as it is or as a percentage does
(20 % as 0.2, 0.8, 1.2, 20 or 80). Times of day are read as minutes. Nothing is executed: this is a parser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite

LONGEST = 2_000  # characters read; a formula that explains is short
_DAY = 24 * 60

_SIGNS = str.maketrans({"×": "*", "·": "*", "⋅": "*", "∙": "*", "÷": "/", "−": "-", "–": "-"})
_TOKEN = re.compile(
    r"""(?P<clock>\b\d{1,2}:\d\d(?:\s?[AP]M\b)?)
      | (?P<number>(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+)
      | (?P<unit>(?<=[\d ])(?:min(?:ute)?s?|h(?:(?:ou)?rs?)?)\b)
      | (?P<power>[²³])
      | (?P<name>[A-Za-z]\w*)
      | (?P<sign>[-+*/^()%=,;])
      | (?P<space>[ \t$€£]+)
      | (?P<other>.)""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True)
class Value:
    """What an expression is worth, the numbers that entered it, how many operations it takes, whether it is a time."""

    amount: float
    numbers: frozenset[float]
    operations: int = 0
    clock: bool = False


def derives(text: str, answer: float, given: Sequence[float], *, clock: bool = False) -> bool:
    """Does a formula in the text lead from the given numbers to the answer? `clock`: to a time, in minutes of the day."""
    wanted = {float(number) for number in given}
    for value in values(text[:LONGEST]):
        if value.operations and value.clock is clock and _equal(value.amount, answer, clock):
            used = {
                form
                for number in value.numbers
                for form in (number, number * 10, number * 100, abs(100 - 100 * number))
            }
            used |= {abs(100 - number) for number in value.numbers}
            if all(any(abs(one - it) < 1e-6 for it in used) for one in wanted):
                return True
    return False


def values(text: str) -> Iterator[Value]:
    """Of every expression in the text, in order; a name stands for what it was set equal to before."""
    tokens = [(match.lastgroup or "", match.group()) for match in _TOKEN.finditer(text.translate(_SIGNS))]
    tokens = [token for token in tokens if token[0] != "space"]
    names: dict[str, Value] = {}
    at = 0
    while at < len(tokens):
        parser = _Parser(tokens, at, names)
        value = parser.sum()
        if value is None:
            at += 1
            continue
        if at >= 2 and tokens[at - 1] == ("sign", "=") and tokens[at - 2][0] == "name":
            names.setdefault(tokens[at - 2][1].lower(), value)
        yield value
        at = parser.at


def _equal(amount: float, answer: float, clock: bool) -> bool:
    if clock:
        return (amount - answer) % (_DAY / 2) == 0
    return isfinite(amount) and abs(amount - answer) < 0.051 if answer != int(answer) else abs(amount - answer) < 1e-6


class _Parser:
    """Recursive descent; a method returns None where its kind of expression does not begin."""

    def __init__(self, tokens: Sequence[tuple[str, str]], at: int, names: dict[str, Value]) -> None:
        self.tokens, self.at, self.names = tokens, at, names
        self.depth = 0

    def sum(self) -> Value | None:
        return self._chain(self._product, "+-")

    def _product(self) -> Value | None:
        return self._chain(self._power, "*/")

    def _chain(self, operand, signs: str) -> Value | None:
        left = operand()
        while left is not None and (sign := self._sign(signs)):
            self.at += 1
            right = operand()
            if right is None:
                self.at -= 1
                break
            left = _combined(left, sign, right)
        return left

    def _power(self) -> Value | None:
        base = self._atom()
        if base is None:
            return None
        kind, text = self._token()
        if kind == "power":
            self.at += 1
            return _raised(base, {"²": 2, "³": 3}[text])
        if (kind, text) == ("sign", "^") and self.at + 1 < len(self.tokens) and self.tokens[self.at + 1][1].isdecimal():
            exponent = int(self.tokens[self.at + 1][1])
            self.at += 2
            return _raised(base, min(exponent, 100))
        return base

    def _atom(self) -> Value | None:
        kind, text = self._token()
        if kind == "number":
            self.at += 1
            return self._measured(float(text.replace(",", "")))
        if kind == "clock":
            self.at += 1
            return Value(minutes_of(text), frozenset({minutes_of(text), minutes_of(text) / 60}), clock=True)
        if kind == "name" and text.lower() == "max" and self.tokens[self.at + 1 : self.at + 2] == [("sign", "(")]:
            return self._largest()
        if kind == "name" and text.lower() in self.names:
            self.at += 1
            return self.names[text.lower()]
        if (kind, text) == ("sign", "(") and self.depth < 20:
            return self._bracketed()
        return None

    def _measured(self, number: float) -> Value:
        """A number with its percent sign, its unit of time, or what it multiplies ("0.2(a - b)")."""
        kind, text = self._token()
        if (kind, text) == ("sign", "%"):
            self.at += 1
            return Value(number / 100, frozenset({number / 100}))
        if kind == "unit":
            self.at += 1
            return Value(number * (60 if text.lower().startswith("h") else 1), frozenset({number}))
        return Value(number, frozenset({number}))

    def _bracketed(self) -> Value | None:
        start, self.at, self.depth = self.at, self.at + 1, self.depth + 1
        inner = self.sum()
        self.depth -= 1
        if inner is not None and self._token() == ("sign", ")"):
            self.at += 1
            return inner
        self.at = start
        return None

    def _largest(self) -> Value | None:
        start, self.at = self.at, self.at + 2
        parts = []
        while (part := self.sum()) is not None:
            parts.append(part)
            if self._token() != ("sign", ","):
                break
            self.at += 1
        if not parts or self._token() != ("sign", ")"):
            self.at = start
            return None
        self.at += 1
        numbers = frozenset().union(*(part.numbers for part in parts))
        return Value(max(part.amount for part in parts), numbers, 1 + sum(part.operations for part in parts))

    def _sign(self, signs: str) -> str:
        kind, text = self._token()
        return text if kind == "sign" and text in signs else ""

    def _token(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")


def _combined(left: Value, sign: str, right: Value) -> Value:
    first, second = left.amount, right.amount
    numbers, operations = left.numbers | right.numbers, left.operations + right.operations + 1
    if left.clock and not right.clock and right.numbers and sign in "+-" and abs(second) < 13:
        second *= 60  # hours, where nothing says that they are minutes
    if (sign == "/" and second == 0) or (left.clock and right.clock):  # two times of day make no time
        return Value(float("nan"), numbers, operations)
    amount = {"+": first + second, "-": first - second, "*": first * second, "/": first / second if second else 0.0}[
        sign
    ]
    return Value(amount, numbers, operations, left.clock or right.clock)


def _raised(base: Value, exponent: int) -> Value:
    try:
        return Value(base.amount**exponent, base.numbers | {float(exponent)}, base.operations + 1)
    except OverflowError:
        return Value(float("inf"), base.numbers, base.operations + 1)


def minutes_of(clock: str) -> float:
    """Minutes of the day of "2:45 PM"; without AM or PM the morning's."""
    hours, minutes = int(clock.split(":")[0]), int(clock.split(":")[1][:2])
    return float((hours % 12 + (12 if "P" in clock.upper() else 0)) * 60 + minutes)
