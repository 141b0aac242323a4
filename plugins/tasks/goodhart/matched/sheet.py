"""Arithmetic that writes itself down: a story is solved on a sheet, and the lines are its worked solution."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from harness_plugins.tasks.goodhart.families.text import clock, count

Number = int | Fraction
DECIMALS = 4  # of a value on the way to an answer


class Sheet:
    """Each method does one step, adds a line that says so, and returns the exact value.

    ValueError when a value is not written in `DECIMALS` decimals, as 1/3 is not.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, a: Number, b: Number) -> Number:
        return self._operation(a, "+", b, a + b)

    def subtract(self, a: Number, b: Number) -> Number:
        return self._operation(a, "-", b, a - b)

    def multiply(self, a: Number, b: Number) -> Number:
        return self._operation(a, "x", b, a * b)

    def divide(self, a: Number, b: Number) -> Number:
        return self._operation(a, "/", b, Fraction(a) / b)

    def percent(self, share: Number, whole: Number) -> Number:
        """`share` percent of `whole`."""
        part = Fraction(share) * whole / 100
        self.note(f"{decimal(share)}% of {decimal(whole)} is {decimal(part)}.")
        return part

    def later(self, time: int, minutes: int) -> int:
        """A clock time `minutes` after `time`; before it when they are negative. Both in minutes."""
        hours, rest = divmod(abs(minutes), 60)
        length = count(abs(minutes), "minute") if rest else count(hours, "hour")
        self.note(f"{clock(time)} {'plus' if minutes >= 0 else 'minus'} {length} is {clock(time + minutes)}.")
        return time + minutes

    def row(self, label: str, names: Iterable[str]) -> list[str]:
        """Names in an order that the label explains."""
        listed = list(names)
        self.note(f"{label}: {', '.join(listed)}.")
        return listed

    def note(self, line: str) -> None:
        """A line that is no arithmetic."""
        self.lines.append(line)

    def _operation(self, a: Number, sign: str, b: Number, result: Number) -> Number:
        self.note(f"{decimal(a)}{sign}{decimal(b)}={decimal(result)}.")
        return result


def decimal(value: Number) -> str:
    """256/5 -> "51.2", -3 -> "-3". ValueError beyond `DECIMALS` decimals."""
    scaled = Fraction(value) * 10**DECIMALS
    if scaled.denominator != 1:
        raise ValueError(f"{value} has more than {DECIMALS} decimals")
    whole, rest = divmod(abs(int(scaled)), 10**DECIMALS)
    fraction = f".{rest:0{DECIMALS}d}".rstrip("0") if rest else ""
    return f"{'-' if scaled < 0 else ''}{whole}{fraction}"
