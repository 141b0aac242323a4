"""The stream that verbs print to. It imports no rich, since every verb has it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, TextIO

from harness.errors import shown

COLOUR = re.compile(r"(\x1b\[[\d;]*m)")


class ShownOutput:
    """A text stream whose control characters are escaped. On a terminal colours pass: the help text has some."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        if self.stream.isatty():
            parts = COLOUR.split(text)
            self.stream.write("".join(part if COLOUR.fullmatch(part) else shown(part) for part in parts))
        else:
            self.stream.write(shown(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)
