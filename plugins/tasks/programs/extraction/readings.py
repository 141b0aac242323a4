"""Wrappings of a program other than Markdown's, each undone. They are tried on a reply in which no program stands as it is."""

from __future__ import annotations

import ast
import html
import json
import re
import unicodedata
from collections.abc import Callable, Iterator

_START = r"(?:class[ \t]+\w+[ \t]*[(:]|def[ \t]+\w+[ \t]*\()"
_BEFORE_CODE = re.compile(rf"^[ \t]*\S[^\n]*?(?={_START})", re.MULTILINE)
_BEHIND_CODE = re.compile(r"^(?P<code>(?!\s*[`~]{3}).*?\S)(?P<mark>`+|~{3,}|\*\*|\[/\w+\]|</\w+>)[ \t]*$", re.MULTILINE)
_OTHER_FENCE = re.compile(r"^[ \t]*(?P<mark>'''|\"\"\"|´´´|ˋˋˋ|｀｀｀|``)(?:python3?|py)[ \t]*$", re.MULTILINE)
_TAG = re.compile(r"</?(?:pre|code|p|div|br|details|summary|!\[CDATA\[)\b[^>]*>|\]\]>", re.IGNORECASE)
_INLINE_TAG = re.compile(r"</?(?:span|b|i|em|strong|font|a)\b[^>]*>", re.IGNORECASE)
_STRING = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'")
_NUMBERED = re.compile(r"^[ \t]*(\d{1,4})(?:[ \t]?[:|.)│])?(?:[ \t](.*)|)$")
_PATCH_HEAD = re.compile(r"^(?:\+\+\+ |--- |@@ |diff |index )")
_FEWEST_LINES = 3  # that are numbered or added, in a row
_TYPESET = {"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "−": "-", "–": "-"}


def readings(text: str) -> Iterator[str]:
    """The text with one wrapping undone, for each that it has."""
    undo: tuple[Callable[[str], str], ...] = (
        *(_marks_on_lines_of_their_own, _other_fences, _markup, _strings, _numbered_lines, _patch, _typeset),
    )
    for one in undo:
        if (other := one(text)) != text:
            yield other


def _marks_on_lines_of_their_own(text: str) -> str:
    """`Answer: class Solution:` and `return best**`."""
    return _BEHIND_CODE.sub(r"\g<code>\n\g<mark>", _BEFORE_CODE.sub(r"\g<0>\n", text))


def _other_fences(text: str) -> str:
    """Fences of quotation marks or accents, if one of them names the language."""
    if opening := _OTHER_FENCE.search(text):
        mark = re.escape(opening["mark"])
        return re.sub(rf"^([ \t]*){mark}(?:python3?|py)?[ \t]*$", r"\1```", text, flags=re.MULTILINE)
    return text


def _markup(text: str) -> str:
    return html.unescape(_INLINE_TAG.sub("", _TAG.sub("\n", text)))


def _strings(text: str) -> str:
    """The strings of JSON or of a Python literal that hold line ends; a list of lines is one text."""
    if "\\n" not in text:
        return text
    if "\n" not in text.strip() and not _STRING.search(text):
        text = f'"{text.strip()}"'  # a whole reply with its line ends escaped
    decoded = [_decoded(found.group()) for found in _STRING.finditer(text) if "\\n" in found.group()]
    return "".join(it if it.endswith("\n") else f"{it}\n\n" for it in decoded) or text


def _decoded(literal: str) -> str:
    try:
        value = json.loads(literal) if literal.startswith('"') else ast.literal_eval(literal)
    except (ValueError, SyntaxError):
        return literal[1:-1].replace("\\n", "\n").replace("\\t", "\t").replace('\\"', '"')
    return str(value).encode(errors="replace").decode()


def _numbered_lines(text: str) -> str:
    """Lines that count up, without their numbers."""
    lines = text.split("\n")
    start = 0
    while start < len(lines):
        end, last = start, 0
        while end < len(lines) and (found := _NUMBERED.match(lines[end])):
            if end > start and int(found[1]) != last + 1:
                break
            last = int(found[1])
            end += 1
        if end - start >= _FEWEST_LINES:
            lines[start:end] = [_NUMBERED.sub(r"\2", line) for line in lines[start:end]]
        start = max(end, start + 1)
    return "\n".join(lines)


def _patch(text: str) -> str:
    """What a patch adds and keeps."""
    lines = text.split("\n")
    if sum(line.startswith("+") for line in lines) < _FEWEST_LINES:
        return text
    kept = [line for line in lines if not _PATCH_HEAD.match(line) and not line.startswith("-")]
    return "\n".join(line[1:] if line[:1] in ("+", " ") else line for line in kept)


def _typeset(text: str) -> str:
    """Typographic quotes, dashes and spaces as a program has them, and nothing invisible."""
    return "".join(_typed(character) for character in text)


def _typed(character: str) -> str:
    if character < "\x7f" and character >= " ":
        return character
    if character in _TYPESET:
        return _TYPESET[character]
    kind = unicodedata.category(character)
    if kind == "Zs":
        return " "
    return "" if kind == "Cf" or (kind == "Cc" and character not in "\n\t") else character
