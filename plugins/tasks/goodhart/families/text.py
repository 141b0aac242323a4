"""How times, lists and counted things are written, the same in every family."""

from __future__ import annotations

NAMES = ("Alice", "Bob", "Carol", "David", "Emma", "Frank", "Grace", "Henry")


def clock(minutes: int) -> str:
    """Minutes since midnight as H:MM AM/PM: 885 -> "2:45 PM"."""
    hour, minute = divmod(minutes % (24 * 60), 60)
    return f"{(hour - 1) % 12 + 1}:{minute:02d} {'AM' if hour < 12 else 'PM'}"


def count(number: int, noun: str) -> str:
    """count(1, "hour") -> "1 hour", count(2, "hour") -> "2 hours"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def decimal(tenths: int) -> str:
    """A number of tenths without a trailing zero: 63 -> "6.3", 60 -> "6"."""
    whole, tenth = divmod(tenths, 10)
    return f"{whole}.{tenth}" if tenth else str(whole)
