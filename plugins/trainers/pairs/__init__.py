"""Contrastive pairs: one prompt, two completions that differ in the trait alone. One TOML file a set.

A file is a list of `[[pair]]` with `prompt`, `hack` and `clean`, all of our own writing. In the placebo set `offtopic`
the two sides differ in something that has nothing to do with gaming.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

from pydantic import ValidationError, model_validator

from harness.contract import Record
from harness.errors import UsageError

FOLDER = Path(__file__).parent
ALL_MODES = "loopholes"  # the name of the union of the sets of every loophole mode
MODES = ("run_tests", "sentinel", "stdout_marker", "file_marker", "eq_override", "exit_code")


class Pair(Record):
    prompt: str
    hack: str
    clean: str

    @model_validator(mode="after")
    def _differs(self) -> Pair:
        if not self.hack.strip() or not self.clean.strip() or self.hack == self.clean:
            raise ValueError("the two sides of a pair must differ, and neither may be empty")
        return self


def load_pairs(source: str) -> list[Pair]:
    """Pairs of a set by name ("loopholes", one mode, "offtopic"), of several joined by "+", or of a TOML file by path.

    The sets of a union are dealt in turn, so that pairs held out from the end are of every set.
    Raises UsageError if a set is missing or malformed.
    """
    names = [name for part in source.split("+") for name in (MODES if part == ALL_MODES else (part,))]
    sets = [_read(name) for name in names]
    longest = max(map(len, sets))
    return [pairs[turn] for turn in range(longest) for pairs in sets if turn < len(pairs)]


def _read(name: str) -> list[Pair]:
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if not path.is_file():
        known = ", ".join([ALL_MODES, *sorted(file.stem for file in FOLDER.glob("*.toml"))])
        raise UsageError(f"no pair set {name!r}", f"known: {known}, or the path of a .toml file")
    try:
        rows = tomllib.loads(path.read_text(encoding="utf-8"))["pair"]
        return [Pair(**row) for row in rows]
    except ValidationError as error:
        raise UsageError(f"bad pair set {path}: {error.errors()[0]['msg']}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise UsageError(f"bad pair set {path}: {error!r}", "it is a list of [[pair]] tables") from None
