"""Texts that go to a person or a file, without the secrets that servers and libraries echo."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator

from harness.errors import UsageError
from harness.lm_eval.backends.arguments import parse_arguments, read_files, variables
from harness.lm_eval.backends.withheld import SECRET_SHAPE, withheld_texts, withhold

_SHORTEST = 5  # characters of a withheld argument that is looked for
_IN_URL = re.compile(r"(?<=://)[^/\s@]+@|(?<=\?)[^\s'\"<>]*=[^\s'\"<>)]*")


def redact(text: str) -> str:
    """The text without secrets that are known here and whatever has the shape of a key; URLs lose their user, password and
    query."""
    return SECRET_SHAPE.sub("<a key>", _IN_URL.sub("…", without_known(text)))


def without_known(text: str) -> str:
    """The text without the values of this environment's keys, tokens and passwords and of arguments that are withheld: for a
    reply, which may speak of URLs and keys of its own."""
    for value, name in sorted(_known(), key=lambda known: -len(known[0])):
        text = text.replace(value, f"<{name}>")
    return text


def _known() -> Iterator[tuple[str, str]]:
    yield from variables().items()
    for value in (*withheld_texts(), *read_files()):
        if len(value) >= _SHORTEST:
            yield value, "withheld"


def redact_command(words: list[str]) -> list[str]:
    """A command line as it may be stored: backend arguments as `withhold` leaves them, and no secret elsewhere."""
    kept: list[str] = []
    for number, word in enumerate(words):
        option, equals, value = word.partition("=")
        if number and words[number - 1] == "--backend-args":
            kept.append(_arguments(word))
        elif option == "--backend-args" and equals:
            kept.append(f"{option}={_arguments(value)}")
        else:
            kept.append(redact(word))
    return kept


def _arguments(text: str) -> str:
    try:
        given = withhold(parse_arguments(text))
    except UsageError:
        return "…"
    return redact(",".join(f"{name}={value}" for name, value in given.items()))


class Redacting(logging.Filter):
    """Keeps keys that servers echo out of the log."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage()), ()
        if record.exc_info and (error := record.exc_info[1] or sys.exc_info()[1]):
            record.msg, record.exc_info = redact(f"{record.msg}: {type(error).__name__}: {error}"), None
        return True
