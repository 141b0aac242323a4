"""A text file as pieces of about equal length."""

from __future__ import annotations

from pathlib import Path

from harness.errors import UsageError


def pieces_of(path: Path, characters: int, count: int) -> list[str]:
    """At most `count` pieces of at most `characters`, spread evenly over the file. Raises UsageError for a file that
    cannot be read or is empty."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the text {path}: {error}") from None
    pieces = cut(text, characters)
    if not pieces:
        raise UsageError(f"the text {path} is empty")
    step = max(1.0, len(pieces) / count)
    return [pieces[int(number * step)] for number in range(min(count, len(pieces)))]


def cut(text: str, characters: int) -> list[str]:
    """Pieces of at most `characters`, each ending at its last white space where it has one in its second half."""
    pieces = []
    start = 0
    while start < len(text):
        end = min(start + characters, len(text))
        if end < len(text):
            space = max(text.rfind(" ", start, end), text.rfind("\n", start, end)) + 1
            end = space if space > start + characters // 2 else end
        pieces.append(text[start:end])
        start = end
    return [piece for piece in pieces if piece.strip()]
