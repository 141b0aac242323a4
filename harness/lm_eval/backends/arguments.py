"""`--backend-args`: read, and kept free of secrets, since they are written to every run folder.

A secret is named, not given: `header=env:MY_HEADER` reads the variable MY_HEADER when the request is made. A value is
refused if its name, its place in a URL or its being the value of a variable such as OPENAI_API_KEY shows that it is a
key.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl, urlsplit

from pydantic import JsonValue

from harness.errors import UsageError

REFERENCE = "env:"
_SECRET_NAME = re.compile(
    r"(^|[_-])(api[_-]?key|apikey|secret|password|headers?|(auth|access|hf)[_-]token)$|^(key|token)$", re.I
)
_SECRET_VARIABLE = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD)$")
_SHORTEST = 8  # characters of a variable's value that is taken for a secret


def parse_arguments(text: str) -> dict[str, JsonValue]:
    """ "model=x,base_url=http://…,num_concurrent=4", or a JSON object, to a table, as lm-eval reads it.

    Raises UsageError on anything else."""
    text = text.strip()
    if text.startswith("{"):
        try:
            table = json.loads(text)
        except json.JSONDecodeError as error:
            raise UsageError(f"bad --backend-args: {error}") from None
        return dict(table)
    given: dict[str, JsonValue] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = part.partition("=")
        if not (equals and name.strip()):
            raise UsageError(f"bad --backend-args {part!r}", "write name=value,name=value")
        given[name.strip()] = _value(value.strip())
    return given


def merge_arguments(texts: Iterable[str]) -> dict[str, JsonValue]:
    """Several `--backend-args` as one; later ones win."""
    return {name: value for text in texts for name, value in parse_arguments(text).items()}


def _value(text: str) -> JsonValue:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    if text.lower() in ("true", "false", "none"):
        return {"true": True, "false": False, "none": None}[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


# ------------------------------------------------------------------------------------------------------------- secrets


def refuse_secrets(args: Mapping[str, JsonValue]) -> None:
    """Raises UsageError for an argument that is a secret, or names a variable that is not set."""
    for name, value in args.items():
        if isinstance(value, str) and value.startswith(REFERENCE):
            if value.removeprefix(REFERENCE) not in os.environ:
                raise UsageError(f"backend argument {name}={value}: that variable is not set")
        elif _SECRET_NAME.search(name) or _in_url(value):
            raise _kept(name)
    refuse_secret_values(args)


def refuse_secret_values(params: Mapping[str, JsonValue]) -> None:
    """Raises UsageError for a value that contains the value of a variable such as OPENAI_API_KEY, under any name."""
    for name, value in params.items():
        if redact(text := json.dumps(value)) != text:
            raise _kept(name)


def _kept(name: str) -> UsageError:
    return UsageError(
        f"argument {name!r} holds a secret, and arguments are kept in the run folder",
        "put it into an environment variable and write NAME=env:VARIABLE",
    )


def _in_url(value: JsonValue) -> bool:
    """Whether a URL holds a password, or a parameter whose name says that it is a secret."""
    if not (isinstance(value, str) and "://" in value):
        return False
    url = urlsplit(value)
    return url.password is not None or any(_SECRET_NAME.search(name) for name, _ in parse_qsl(url.query))


def resolved(args: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """The arguments with `env:` variables replaced by their values: for the request alone, never stored."""
    return {name: _read(value) for name, value in args.items()}


def _read(value: JsonValue) -> JsonValue:
    if not (isinstance(value, str) and value.startswith(REFERENCE)):
        return value
    text = os.environ.get(value.removeprefix(REFERENCE), "")
    return json.loads(text) if text.lstrip().startswith("{") else text


def redact(text: str) -> str:
    """The text without the values of this environment's keys, tokens and passwords."""
    for name, value in os.environ.items():
        if _SECRET_VARIABLE.search(name) and len(value) >= _SHORTEST:
            text = text.replace(value, f"<{name}>")
    return text


class Redacting(logging.Filter):
    """Keeps keys that servers echo out of the log."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage()), ()
        return True
