"""labels.jsonl of a run folder: what a person said of its replies, one line an answer, appended as it is given.

People edit and merge such files, so reading one never fails: what is no label is counted and named.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import ValidationError

from harness.contract import Record
from harness.store.files import append_jsonl
from harness.store.hashing import key_of

SCHEMA = 1
NAME = "labels.jsonl"

Answer = Literal["yes", "no", "skip"]


class LabelRow(Record):
    """One answer. `text` names question and reply, so that a reply which was sampled anew is not taken for the old one."""

    v: int = SCHEMA
    suite: str  # its label in the run
    reading: str
    cell: str
    item: str
    repeat: int
    text: str
    label: Answer


class LabelFile(NamedTuple):
    rows: list[LabelRow]
    broken: list[int]  # lines, from 1


def text_key(question: str, reply: str) -> str:
    return key_of({"question": question, "reply": reply})[:16]


def read_labels(folder: Path) -> LabelFile:
    rows, broken = [], []
    path = folder / NAME
    lines = path.read_bytes().split(b"\n") if path.is_file() else []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            rows.append(LabelRow.model_validate(json.loads(line)))
        except (ValueError, ValidationError, RecursionError):
            broken.append(number)
    return LabelFile(rows, broken)


def append_labels(folder: Path, rows: Iterable[LabelRow]) -> None:
    """On the disk before returning: a kill loses no answer."""
    append_jsonl(folder / NAME, (row.model_dump(mode="json") for row in rows))
