"""`--backend-args`: read, checked, and turned into what the request needs.

A secret is named, not given: `header=env:MY_HEADER` reads the variable MY_HEADER when the request is made, and
`header=file:PATH` reads a file. An argument that is a secret by its name is refused; what else is written to files is the
business of `withheld`.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import JsonValue

from harness.errors import UsageError
from harness.lm_eval.backends.withheld import MARK, REFERENCES, SECRET_SHAPE, given_value

_SECRET_NAME = re.compile(
    r"(^|[_-])(api[_-]?key|apikey|secret|password|headers?|(auth|access|hf)[_-]token)$|^(key|token)$", re.I
)
_SECRET_VARIABLE = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD)$")
_SHORTEST = 8  # characters of a variable's value that is taken for a secret
_PASSWORD_IN_URL = re.compile(r"://[^/\s]*:[^/\s]*@")
_FILES: dict[str, str] = {}  # path -> what was read from it, so that it can be kept out of texts
LARGEST_FILE = 1 << 16  # bytes of a file that holds a secret


def parse_arguments(text: str) -> dict[str, JsonValue]:
    """ "model=x,base_url=http://…,num_concurrent=4", or a JSON object, to a table, as lm-eval reads it.

    Raises UsageError on anything else."""
    text = text.strip()
    if text.startswith("{"):
        try:
            table = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise UsageError(f"bad --backend-args: {error or 'nested too deeply'}") from None
        return dict(table)
    given: dict[str, JsonValue] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = part.partition("=")
        if not (equals and name.strip()):
            raise UsageError("bad --backend-args: a part is not name=value", "write name=value,name=value")
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
    """Like `refuse_evident`, and raises UsageError for a reference to what is not there."""
    for name, value in args.items():
        if isinstance(value, str) and value.startswith(REFERENCES):
            _read(name, value)
    refuse_evident(args)


def refuse_evident(args: Mapping[str, JsonValue]) -> None:
    """Raises UsageError for an argument that is a secret by its name or by its being the value of a variable such as
    OPENAI_API_KEY, and for one that asks for a model's own code."""
    for name, value in args.items():
        if name == "trust_remote_code" and value not in (False, None, "false", "False"):
            raise UsageError("trust_remote_code: code that comes with a model is never run", "leave it out")
        if SECRET_SHAPE.search(name) or any(known in name for known in variables()):
            raise UsageError("a backend argument has a secret as its name", "write NAME=env:VARIABLE or NAME=file:PATH")
        named = isinstance(value, str) and value.startswith((*REFERENCES, MARK))
        text = json.dumps(value, ensure_ascii=False)
        if (_SECRET_NAME.search(name) and not named) or any(known in text for known in variables()):
            raise _kept(name)


def refuse_secret_values(params: Mapping[str, JsonValue]) -> None:
    """Raises UsageError for a value that is a secret under any name: that of a variable such as OPENAI_API_KEY, a URL with a
    password, the shape of a key."""
    for name, value in params.items():
        text = json.dumps(value, ensure_ascii=False)
        if SECRET_SHAPE.search(text) or _PASSWORD_IN_URL.search(text) or any(known in text for known in variables()):
            raise _kept(name)


def _kept(name: str) -> UsageError:
    return UsageError(
        f"argument {name!r} holds a secret, and arguments are kept in the run folder",
        "name its place instead: NAME=env:VARIABLE or NAME=file:PATH",
    )


def variables() -> dict[str, str]:
    """Value -> name of the environment variables that hold a key, a token or a password."""
    return {
        value: name for name, value in os.environ.items() if _SECRET_VARIABLE.search(name) and len(value) >= _SHORTEST
    }


def resolved(args: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """The arguments with what was withheld, and what `env:` and `file:` name, put in: for the request alone, never stored.

    Raises UsageError for a value that cannot be had here."""
    return {name: _read(name, value) for name, value in args.items()}


def _read(name: str, value: JsonValue) -> JsonValue:
    if isinstance(value, str) and value.startswith(MARK):
        return given_value(name, value)
    if not (isinstance(value, str) and value.startswith(REFERENCES)):
        return value
    kind, _, place = value.partition(":")
    text = os.environ.get(place) if kind == "env" else _file(name, value, Path(place))
    if text is None:
        raise UsageError(f"backend argument {name}={value}: that variable is not set")
    if text.lstrip().startswith("{"):
        try:
            return dict(json.loads(text))
        except (ValueError, RecursionError):
            raise UsageError(f"backend argument {name}={value}: what it names is not JSON") from None
    return text


def _file(name: str, value: str, path: Path) -> str:
    try:
        with path.expanduser().open(encoding="utf-8") as file:
            text = file.read(LARGEST_FILE).strip()
    except (OSError, UnicodeDecodeError) as error:
        cause = getattr(error, "strerror", None) or "not UTF-8 text"
        raise UsageError(f"backend argument {name}={value}: cannot read that file: {cause}") from None
    _FILES[str(path)] = text
    return text


def read_files() -> list[str]:
    """What `file:` arguments have brought into this process."""
    return [line for text in _FILES.values() for line in (text, *re.findall(r'"([^"]*)"', text))]
