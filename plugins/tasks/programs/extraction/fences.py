"""Fenced blocks of a reply, as CommonMark has them: in lists and quotations, of backticks or tildes of any number."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from markdown_it import MarkdownIt

_MARKER = re.compile(r"`{3,}|~{3,}")
_QUOTE = re.compile(r"^[ ]*(?:>[ ]?)+")
_MOST_CLOSINGS = 12  # tried for a block whose strings hold fences


@dataclass(frozen=True)
class Fence:
    """`start` and `end` are its lines in the reply, fences included; `info` is what stands behind the opening one."""

    info: str
    content: str
    start: int
    end: int


@cache
def _parser() -> MarkdownIt:
    """Blocks only. <details> hides no program, so HTML is text."""
    return MarkdownIt("commonmark").disable(["html_block", "reference", "inline"])


def fences(text: str, offset: int = 0) -> Iterator[Fence]:
    """In order; one in a block that is indented like code, too."""
    for token in _parser().parse(text):
        if token.map is None or token.type not in ("fence", "code_block"):
            continue
        start, end = token.map
        if token.type == "fence":
            yield Fence(token.info.strip(), token.content, offset + start, offset + end)
        elif _MARKER.search(token.content):
            yield from fences(token.content, offset + start)


def prolonged(fence: Fence, lines: Sequence[str]) -> Iterator[Fence]:
    """The fence ended by later closing fences than its first: its strings may hold some."""
    opening = _MARKER.search(lines[fence.start])
    if not opening:
        return
    before = lines[fence.start][: opening.start()]
    closing = re.compile(rf"\s*{re.escape(opening.group()[0])}{{{len(opening.group())},}}\s*")
    content: list[str] = []
    found = 0
    for at in range(fence.start + 1, len(lines)):
        line = _QUOTE.sub("", lines[at]) if ">" in before else lines[at]
        indent = 0 if ">" in before else min(len(before), len(line) - len(line.lstrip()))
        line = line[indent:]
        if at >= fence.end and closing.fullmatch(line):
            found += 1
            yield Fence(fence.info, "\n".join(content) + "\n", fence.start, at + 1)
            if found == _MOST_CLOSINGS:
                return
        content.append(line)
