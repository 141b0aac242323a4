"""Errors that a person can act on: one line with the cause and the remedy, and the exit code they end with; and how texts
of others and counts are written in such a line."""

from __future__ import annotations

import re
import sys

_HINTS: set[str] = set()
_LINE_END = re.compile(r"\s*[\n\r]\s*")


class HarnessError(Exception):
    """Base class. `remedy` is printed after the cause; `exit_code` is 1 for failed cells, 2 for usage."""

    exit_code = 2

    def __init__(self, cause: str, remedy: str = "") -> None:
        text = f"{cause} ({remedy})" if remedy else cause
        super().__init__(_LINE_END.sub(" ", text))  # names in files may hold line ends
        self.cause = cause
        self.remedy = remedy


class UsageError(HarnessError):
    """The command, a configuration file or a plugin's parameters are wrong."""


class PluginError(HarnessError):
    """A plugin that was selected cannot be used."""


class ModelError(HarnessError):
    """A model or artefact is missing, partial or altered."""

    exit_code = 1


class NoSuchModel(ModelError):
    """Nothing is there under the name that a person gave."""

    exit_code = 2


class StageError(HarnessError):
    """A stage of one cell failed; the other cells go on."""

    exit_code = 1


class Unreachable(StageError):
    """No further question can be asked: the server is gone, or refuses this model or key."""


_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")


def shown(text: str) -> str:
    """The text with control characters, marks that reorder a line and lone surrogates as escapes, which JSON reads back."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def described(error: BaseException) -> str:
    """Kind and words of anything that was raised, in one line: a plugin's or a library's may not even be shown."""
    try:
        words = str(error)
    except BaseException:
        words = "it cannot be shown"
    return " ".join(f"{type(error).__name__}: {words}".split())


def plural(count: int, unit: str) -> str:
    """ "1 entry", "3 entries"."""
    many = f"{unit[:-1]}ies" if unit.endswith("y") else f"{unit}s"
    return f"{count:,} {unit if count == 1 else many}"


def hint(text: str) -> None:
    """One line on stderr, once in a process: the command works, but should be written otherwise."""
    if text not in _HINTS:
        _HINTS.add(text)
        print(f"hint: {shown(text)}", file=sys.stderr)
