"""One value that a text states."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

Key = Fraction | int | tuple[str, ...] | str

TOLERANCE = Fraction(1, 10**12)  # relative: room for a printed binary float, none for a rounded answer


@dataclass(frozen=True)
class Value:
    """Where it stands, and what it is; `key` is None for what looks like a value and cannot be read as one."""

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
