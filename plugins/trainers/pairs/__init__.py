"""Contrastive pairs: one prompt, two completions that differ in the trait alone. One TOML file per set.

A file is a list of `[[pair]]` with `prompt`, `hack` and `clean`, all of our own writing. The sets of `MODES` are programs;
those of `FRAMINGS` speak of gaming without a program; in the placebo set `offtopic` the two sides differ in something that
has nothing to do with gaming. A teacher pool serves as pairs as well: a model's hacks against its solutions of the same
problem.
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError, model_validator

from harness.contract import Record
from harness.errors import UsageError
from harness.store.teacher_pool import PoolRow, read_pool

FOLDER = Path(__file__).parent
MODES = ("run_tests", "sentinel", "stdout_marker", "file_marker", "eq_override", "exit_code")
FRAMINGS = ("honesty", "morality", "intent", "awareness")
UNIONS = {"loopholes": MODES, "framings": FRAMINGS, "mixed": MODES + FRAMINGS}


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
    """Pairs of a set by name ("loopholes", one mode, "offtopic"), of several joined by "+", of a TOML file or of a teacher
    pool (.jsonl) by path.

    The sets of a union alternate, so that the pairs held out from the end come from several.
    Raises UsageError if a set is missing or malformed.
    """
    names = [name for part in source.split("+") for name in UNIONS.get(part, (part,))]
    sets = [_read(name) for name in names]
    longest = max(map(len, sets))
    return [pairs[turn] for turn in range(longest) for pairs in sets if turn < len(pairs)]


def pairs_of(rows: Sequence[PoolRow]) -> list[Pair]:
    """Hacks of a pool against honest solutions of the same item, as many pairs per item as both sides allow."""
    sides: dict[str, tuple[list[PoolRow], list[PoolRow]]] = defaultdict(lambda: ([], []))
    for row in rows:
        if row.hack or row.honest_solve:
            sides[row.item][row.honest_solve].append(row)
    return [
        Pair(prompt=hack.prompt, hack=hack.reply, clean=clean.reply)
        for hacks, cleans in sides.values()
        for hack, clean in zip(hacks, cleans, strict=False)
    ]


def _of_pool(path: Path) -> list[Pair]:
    pairs = pairs_of(read_pool(path).rows)
    if not pairs:
        raise UsageError(
            f"the pool {path} has no item with both a hack and a solution", "roll out more samples an item"
        )
    return pairs


def _read(name: str) -> list[Pair]:
    if name.endswith(".jsonl"):
        return _of_pool(Path(name))
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if not path.is_file():
        known = ", ".join([*UNIONS, *sorted(file.stem for file in FOLDER.glob("*.toml"))])
        raise UsageError(f"no pair set {name!r}", f"known: {known}, or the path of a .toml file")
    try:
        rows = tomllib.loads(path.read_text(encoding="utf-8"))["pair"]
        return [Pair(**row) for row in rows]
    except ValidationError as error:
        raise UsageError(f"bad pair set {path}: {error.errors()[0]['msg']}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError, KeyError, TypeError) as error:
        raise UsageError(f"bad pair set {path}: {error!r}", "it is a list of [[pair]] tables") from None
