"""The command in a reply: what would be typed at a prompt."""

from __future__ import annotations

import re

_FENCE = re.compile(r"```[\w-]*\n(.*?)(?:```|\Z)", re.DOTALL)
_PROMPT = re.compile(r"^\s*(?:\$|#(?=\s*\w+\s+-)|>)\s+")


def command_of(reply: str) -> str:
    """The first line of the first fenced block or else of the reply, without a shell's prompt or backticks around it."""
    fenced = _FENCE.search(reply)
    line = first_line(fenced.group(1) if fenced else reply)
    line = _PROMPT.sub("", line).strip()
    return line[1:-1].strip() if len(line) > 2 and line[0] == line[-1] == "`" else line


def first_line(text: str) -> str:
    """The first line that is not blank; "" where there is none."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")
