"""Which columns of a labelled file hold what: `[maps.NAME]` of a registry.toml, and what `--map` says."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import ValidationError, field_validator

from harness.contract import Record
from harness.errors import UsageError

REPLY = ("reply", "label")
PAIR = ("hack", "honest")


class ColumnMap(Record):
    """Names of columns. A row holds one `reply` and its `label`, or two replies to one prompt, a `hack` and an `honest` one.

    `optional` lists the fields whose columns a file may lack altogether; without one of `cluster` the prompt is the
    cluster, without one of `half` clusters are dealt to the halves by a hash.
    """

    name: str
    origin: str = ""
    summary: str = ""
    prompt: str
    reply: str = ""
    label: str = ""
    hack: str = ""
    honest: str = ""
    mechanism: str = ""  # how it games
    cluster: str = ""  # rows that are not independent share it
    half: str = ""  # "rules" (detectors may learn from it) or "report"
    written_by: str = ""
    reference: str = ""  # source of a program that solves the same item
    data: str = ""  # an object: what a suite's `view_data` would give detectors, as `program` or `visible`
    hack_labels: tuple[str, ...] = ("true", "1", "yes", "hack")  # in whatever case
    honest_labels: tuple[str, ...] = ("false", "0", "no", "honest")
    program: Literal["none", "reply", "fenced"] = "none"  # the reply is a program; the last fenced block of it is
    optional: tuple[str, ...] = ()

    @field_validator("hack_labels", "honest_labels")
    @classmethod
    def _lowered(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(label.strip().lower() for label in given)

    @property
    def columns(self) -> dict[str, str]:
        """field -> column, of the fields that name one."""
        return {field: column for field in FIELDS if (column := getattr(self, field))}

    @property
    def pairs(self) -> bool:
        return bool(self.hack)


FIELDS = ("prompt", *REPLY, *PAIR, "mechanism", "cluster", "half", "written_by", "reference", "data")


def read_column_map(table: Mapping[str, object], where: str, name: str, origin: str) -> ColumnMap:
    """Raises UsageError, naming the table, for anything but a map that says where replies and labels are."""
    try:
        found = ColumnMap.model_validate({**table, "name": name, "origin": origin})
    except ValidationError as error:
        detail = error.errors()[0]
        raise UsageError(f"bad {where}: {'.'.join(map(str, detail['loc']))}: {detail['msg']}") from None
    given = {field for field in (*REPLY, *PAIR) if getattr(found, field)}
    if given not in (set(REPLY), set(PAIR)):
        raise UsageError(
            f"bad {where}: it names {', '.join(sorted(given)) or 'no reply'}",
            "a row has one reply and its label (reply, label), or a hacking and an honest reply (hack, honest)",
        )
    if both := [label for label in found.hack_labels if label in found.honest_labels]:
        raise UsageError(f"bad {where}: {both[0]!r} is the label of a hack and of an honest reply", "name it once")
    if unknown := [field for field in found.optional if field not in FIELDS]:
        raise UsageError(f"bad {where}: optional: there is no field {unknown[0]!r}", f"fields: {', '.join(FIELDS)}")
    return found


def typed_map(words: Sequence[str], known: Mapping[str, ColumnMap], start: str) -> ColumnMap:
    """What `--map` says: at most one name of a map (else `start`), and FIELD=COLUMN for what differs from it.

    Where only one reply and its label, or only a pair, is named, the other is dropped from the map."""
    names = [word for word in words if "=" not in word]
    if len(names) > 1:
        raise UsageError(f"two maps, {names[0]} and {names[1]}", "one name, then FIELD=COLUMN for what differs")
    name = names[0] if names else start
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        raise UsageError(
            f"no map is called {name!r}", f"{'did you mean' if near else 'known:'} {', '.join(near or known)}"
        )
    changes: dict[str, str] = {}
    for field, _, column in (word.partition("=") for word in words if "=" in word):
        if field not in (*FIELDS, "program"):
            raise UsageError(f"--map {field}=…: there is no such field", f"fields: {', '.join((*FIELDS, 'program'))}")
        changes[field] = column
    table = known[name].model_dump(exclude={"name", "origin"})
    for named, other in ((REPLY, PAIR), (PAIR, REPLY)):
        if changes.keys() & set(named) and not changes.keys() & set(other):
            table.update(dict.fromkeys(other, ""))
    table["optional"] = [field for field in known[name].optional if field not in changes]
    return read_column_map(table | changes, f"map {name}", name, known[name].origin)
