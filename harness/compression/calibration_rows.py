"""Rows of a calibration source: a running text, a JSONL file or a dataset, each a text or a conversation with a score."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from harness.errors import UsageError

DATASETS = "datasets:"

Message = dict[str, str]  # {"role": …, "content": …}
CalibrationRow = tuple[str | Sequence[Message], float | None]  # text or conversation, score if it has one


def read_rows(source: str) -> Iterator[CalibrationRow]:
    """Each row of the source; a running text is one.

    Raises:
        UsageError: there is no such source, or a row is malformed; the message names it.
    """
    path = Path(source)
    located: Iterable[tuple[str, Any]]
    if source.startswith(DATASETS):
        located = _dataset(source)
    elif not path.is_file():
        raise UsageError(f"no calibration text at {path}", "give a text file, a .jsonl file or 'self'")
    elif path.suffix == ".jsonl":
        located = _lines(path)
    else:
        yield path.read_text(encoding="utf-8"), None
        return
    for place, row in located:
        try:
            parsed = _parse(json.loads(row) if isinstance(row, str) else row)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            remedy = "a row is an object with messages, text, or prompt and completion"
            raise UsageError(f"{place}: {type(error).__name__} {error}", remedy) from error
        yield parsed


def _parse(row: dict[str, Any]) -> CalibrationRow:
    score = float(row["score"]) if "score" in row else None
    if "messages" in row:
        return [{"role": turn["role"], "content": turn["content"]} for turn in row["messages"]], score
    if "text" in row:
        return str(row["text"]), score
    turns = (("user", row["prompt"]), ("assistant", row["completion"]))
    return [{"role": role, "content": content} for role, content in turns], score


def _lines(path: Path) -> Iterable[tuple[str, str]]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip():
            yield f"{path}, line {number}", line


def _dataset(source: str) -> Iterable[tuple[str, dict[str, Any]]]:
    """Rows of a dataset on the hub, or of a local folder of data files: "datasets:NAME[:SPLIT[:COLUMN]]"."""
    name, split, column = [*source.removeprefix(DATASETS).split(":"), "", ""][:3]
    split, column = split or "train", column or "text"
    try:
        from datasets import load_dataset

        rows = load_dataset(name, split=split)
    except ImportError as error:
        raise UsageError("the datasets library is not installed", "pip install datasets") from error
    except (OSError, ValueError, RuntimeError) as error:
        cause = str(error).splitlines()[0]
        raise UsageError(f"no dataset {name} with a split {split}: {cause}", "check its name and split") from error
    for number, row in enumerate(rows):
        yield f"{source}, row {number}", {**row, "text": row[column]} if column in row else row
