"""Amounts that are known in several worlds at once, so that equal amounts mean the same quantity and not the same number.

World 0 is the story itself; the others tell it with other numbers. "25 - 5" may be the price less the discount or the price
less the coupon; in the other worlds the two differ.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

LARGEST = Fraction(10**12)  # in size; beyond it nothing in these stories has a meaning
LARGEST_EXPONENT = 12


@dataclass(frozen=True)
class Amount:
    """One value a world. Arithmetic is exact; ArithmeticError where it has no result or one beyond `LARGEST`."""

    worlds: tuple[Fraction, ...]

    @property
    def here(self) -> Fraction:
        """Its value in the story itself."""
        return self.worlds[0]

    def __add__(self, other: Amount | int) -> Amount:
        return self._with(other, lambda a, b: a + b)

    def __sub__(self, other: Amount | int) -> Amount:
        return self._with(other, lambda a, b: a - b)

    def __mul__(self, other: Amount | int) -> Amount:
        return self._with(other, lambda a, b: a * b)

    def __truediv__(self, other: Amount | int) -> Amount:
        return self._with(other, lambda a, b: a / b)

    def __radd__(self, other: int) -> Amount:
        return self + other

    def __rsub__(self, other: int) -> Amount:
        return self._with(other, lambda a, b: b - a)

    def __rtruediv__(self, other: int) -> Amount:
        return self._with(other, lambda a, b: b / a)

    def __rmul__(self, other: int) -> Amount:
        return self * other

    def __pow__(self, other: Amount | int) -> Amount:
        return self._with(other, _power)

    def __mod__(self, other: Amount | int) -> Amount:
        return self._with(other, lambda a, b: a % b)

    def __neg__(self) -> Amount:
        return self * -1

    def __abs__(self) -> Amount:
        return Amount(tuple(abs(value) for value in self.worlds))

    def largest(self, other: Amount | int) -> Amount:
        return self._with(other, max)

    def _with(self, other: Amount | int, operation: Callable[[Fraction, Fraction], Fraction]) -> Amount:
        values = other.worlds if isinstance(other, Amount) else (Fraction(other),) * len(self.worlds)
        result = tuple(operation(a, b) for a, b in zip(self.worlds, values, strict=True))
        if any(abs(value) > LARGEST for value in result):
            raise OverflowError("beyond what these stories speak of")
        return Amount(result)


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1 or abs(exponent) > LARGEST_EXPONENT:
        raise OverflowError("no power that these stories speak of")
    return Fraction(base ** int(exponent))
