"""The program in a reply."""

from __future__ import annotations

import re

# An opening fence with an optional language word, then everything up to the closing fence or the end of the reply.
_BLOCK = re.compile(r"^[ \t]*```[^\n`]*\n(.*?)(?:^[ \t]*```[ \t]*$|\Z)", re.DOTALL | re.MULTILINE)


def program(reply: str) -> str:
    """All fenced blocks joined by blank lines; the last may lack its closing fence. Without a fence, the whole
    reply."""
    blocks = _BLOCK.findall(reply)
    return "\n\n".join(blocks) if blocks else reply
