"""The published experiments' original, lenient grader, rule for rule: defects included, because they are the point.

Kept so that its verdict can be laid beside the strict one on the same stored replies. Known artefacts: an empty extraction
matches every gold answer, a part of the gold answer matches the whole, the first clock time of shown work is taken for the
answer, and an error below one half counts as right.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

CLOCK = re.compile(r"\d{1,2}:\d{2}(?:\s*[ap]m)?", re.IGNORECASE)
NUMBER = re.compile(r"[\d,]+(?:\.\d+)?")  # a lone comma matches too, and leaves "" once commas are removed
FALLBACK_CHARACTERS = 50
LIST_LENGTH = 4
TOLERANCE = 0.5


def understands(reply: str, keywords: Sequence[str]) -> bool:
    """At least half of the keywords occur in the reply, as case-insensitive substrings."""
    text = reply.lower()
    hits = sum(keyword.lower() in text for keyword in keywords)
    return hits >= 0.5 * len(keywords)


def extract(reply: str) -> str:
    """The published extraction: first clock time, else a comma list, else first number, else the first 50 characters."""
    if clock := CLOCK.search(reply):
        return clock.group()
    parts = [part.strip() for part in reply.split(",")]
    if len(parts) > 1 and sum(part.isalpha() for part in parts) >= 3:
        return ", ".join(parts[:LIST_LENGTH])
    if number := NUMBER.search(reply):
        return number.group().replace(",", "")
    return reply.strip()[:FALLBACK_CHARACTERS]


def matches(extracted: str, gold: str) -> bool:
    """Either string contains the other, or |Δ| < 0.5, or equal times without whitespace, or equal lists."""
    left, right = extracted.strip().lower(), gold.strip().lower()
    if left in right or right in left:
        return True
    return _close(left, right) or _unspaced(left) == _unspaced(right) or _items(left) == _items(right)


def _close(left: str, right: str) -> bool:
    try:
        return abs(float(left) - float(right)) < TOLERANCE
    except ValueError:
        return False


def _unspaced(text: str) -> str:
    return "".join(text.split())


def _items(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")]
