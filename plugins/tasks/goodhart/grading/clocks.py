"""Times of day."""

from __future__ import annotations

import re

from harness_plugins.tasks.goodhart.grading.value import Value

CLOCK = re.compile(
    r"""(?<![\w:.,])(?:
        (?P<hour>\d{1,2})(?P<colon>:(?P<minute>\d{2}))(?::\d{2})?(?![\d:])(?:\s*o'?clock\b)?
            (?P<half>\s*[ap]\.?\s?m\b\.?|\s+in\s+the\s+(?:morning|afternoon|evening)|\s+(?:noon|midnight)\b)?
        |(?P<bare>\d{1,2})(?:\.(?P<dotted>\d{2}))?(?:\s*o'?clock\b)?
            (?P<half2>\s*[ap]\.?\s?m\b\.?|\s+in\s+the\s+(?:morning|afternoon|evening)|\s+(?:noon|midnight)\b)
    )|\b(?P<word>noon|midday|midnight)\b""",
    re.VERBOSE | re.IGNORECASE,
)
_LENGTH_OF_TIME = re.compile(r"\s*-?(?:hours?|hrs?|h)\b", re.IGNORECASE)


def clocks(text: str) -> list[Value]:
    """Times of day, as minutes since midnight. "4:15" alone is unreadable: it names two times."""
    return [
        Value(match.start(), match.end(), match.group().strip(), _minutes(match))
        for match in CLOCK.finditer(text)
        if not _LENGTH_OF_TIME.match(text, match.end())
    ]


def _minutes(match: re.Match[str]) -> int | None:
    if match["word"]:
        return 0 if match["word"].lower() == "midnight" else 12 * 60
    hour = int(match["hour"] or match["bare"])
    minute = int(match["minute"] or match["dotted"] or 0)
    half = "".join((match["half"] or match["half2"] or "").lower().replace(".", "").split())
    if (hour, minute) == (24, 0):
        return 0
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
