"""How numbers are written: percentages to one decimal with counts, intervals in brackets, differences in points."""

from __future__ import annotations

from math import floor, isfinite, log10

from harness.stats.intervals import Interval

NONE = "–"
MINUS = "−"


def signed(value: float, decimals: int = 1) -> str:
    text = f"{value:+.{decimals}f}"
    if not text.strip("+-0."):  # never "-0.0"
        return f"{0:.{decimals}f}"
    return text.replace("-", MINUS)


def plain(value: float, decimals: int = 1) -> str:
    return signed(value, decimals).removeprefix("+")


def percent(share: float | None) -> str:
    return NONE if share is None else f"{plain(100 * share)} %"


def points(difference: float | None) -> str:
    return NONE if difference is None else f"{signed(100 * difference)} pp"


def fraction(k: float, n: float) -> str:
    return f"{k:g}/{n:g}"


def bracket(interval: Interval | None, scale: float = 100, decimals: int = 1, sign: bool = False) -> str:
    if interval is None:
        return "[–]"
    write = signed if sign else plain
    return f"[{write(scale * interval.low, decimals)}, {write(scale * interval.high, decimals)}]"


def p_value(p: float | None) -> str:
    if p is None:
        return NONE
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def decimals_of(value: float, digits: int = 4) -> int:
    """Decimals that show a value of unknown scale with so many significant digits."""
    if not isfinite(value) or value == 0:
        return 1
    return min(max(digits - 1 - floor(log10(abs(value))), 0), 8)


def significant(value: float) -> str:
    return plain(value, decimals_of(value))


def size(count: int | None) -> str:
    if count is None:
        return NONE
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= scale:
            return f"{count / scale:.2f} {unit}"
    return f"{count} B"


def duration(seconds: float | None) -> str:
    if seconds is None:
        return NONE
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.1f} min"
