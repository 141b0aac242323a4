"""The rows of a table that a user brings: CSV, JSON lines (plain or gzipped), a JSON list, Parquet."""

from __future__ import annotations

import csv
import gzip
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from harness.errors import UsageError
from harness.store.files import LARGEST_JSON, open_regular

Row = dict[str, Any]
Bytes = gzip.GzipFile | BinaryIO
FORMATS = ".csv, .jsonl or .json (each also .gz), or .parquet"


@dataclass(frozen=True)
class Fields:
    """One row, read by fields that name columns. What is wrong is a UsageError with file, row and field."""

    path: Path
    number: int
    row: Row
    columns: Mapping[str, str]  # field -> column
    remedy: str  # how another column is named for `{field}`

    def value(self, field: str) -> Any:
        if self.columns[field] not in self.row:
            known = ", ".join(map(str, self.row))
            raise self.fail(field, "there is no such column", f"columns: {known}; {self.remedy.format(field=field)}")
        return self.row[self.columns[field]]

    def text(self, field: str, filled: bool = False, plain: bool = False) -> str:
        """A text; with `filled` not an empty one, with `plain` a number or a bool as one."""
        found = self.value(field)
        if plain and isinstance(found, bool | int | float):
            found = str(found)
        if not isinstance(found, str):
            raise self.fail(field, f"{type(found).__name__} instead of a text")
        if filled and not found.strip():
            raise self.fail(field, "it is empty")
        return found

    def fail(self, field: str, cause: str, remedy: str = "") -> UsageError:
        where = f"{self.path.name}, row {self.number}, field {field}"
        column = self.columns[field]
        return UsageError(f"{where}: {cause}" if column == field else f"{where} (column {column!r}): {cause}", remedy)


def numbered_rows(path: Path) -> Iterator[tuple[int, Row]]:
    """The rows with their numbers from 1, a CSV's header not counted. Every value of a CSV is a text.

    Raises UsageError, naming the row, for what cannot be read."""
    kind = Path(path.name.lower().removesuffix(".gz")).suffix
    if kind == ".parquet":
        yield from enumerate(_parquet(path), 1)
        return
    reader = {".csv": _csv, ".jsonl": _lines, ".json": _list}.get(kind)
    if reader is None:
        raise UsageError(f"cannot tell the format of {path.name}", f"a file ends in {FORMATS}")
    number = 0
    try:
        with open_regular(path) as raw, _unpacked(path, raw) as file:
            for number, row in enumerate(reader(file), 1):
                if not isinstance(row, dict):
                    raise UsageError(f"{path.name}, row {number} cannot be read: it is not an object")
                yield number, row
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from None
    except (EOFError, ValueError, RecursionError, csv.Error, zlib.error) as error:
        raise UsageError(f"{path.name}, row {number + 1} cannot be read: {_cause(error)}") from None


def _unpacked(path: Path, raw: BinaryIO) -> Bytes:
    return gzip.open(raw) if path.name.lower().endswith(".gz") else raw


def _csv(file: Bytes) -> Iterator[Any]:
    csv.field_size_limit(LARGEST_JSON)
    rows = csv.DictReader((line.decode("utf-8-sig") for line in _bounded(file)), strict=True)
    for row in rows:
        if None in row:
            raise ValueError(f"it has more fields than the header's {len(rows.fieldnames or ())}")
        if missing := [name for name, value in row.items() if value is None]:
            raise ValueError(f"it ends before the column {missing[0]!r}")
        yield row


def _lines(file: Bytes) -> Iterator[Any]:
    return (json.loads(line) for line in _bounded(file) if line.strip())


def _list(file: Bytes) -> Iterable[Any]:
    content = file.read(LARGEST_JSON + 1)
    if len(content) > LARGEST_JSON:
        raise ValueError(f"the file is longer than {LARGEST_JSON >> 20} MiB; write it as JSON lines")
    found = json.loads(content)
    if not isinstance(found, list):
        raise ValueError("the file is not a list of objects")
    return found


def _parquet(path: Path) -> Iterator[Row]:
    try:
        import pyarrow.parquet as parquet
    except ImportError:
        raise UsageError(f"reading {path.name} needs pyarrow", "pip install 'goodhart-harness[frames]'") from None
    try:
        for batch in parquet.ParquetFile(path).iter_batches():
            yield from batch.to_pylist()
    except (OSError, ValueError) as error:  # pyarrow's own errors are kinds of these
        raise UsageError(f"cannot read {path}: {' '.join(str(error).split())[:120]}") from None


def _bounded(file: Bytes) -> Iterator[bytes]:
    while line := file.readline(LARGEST_JSON + 1):
        if len(line) > LARGEST_JSON:
            raise ValueError(f"it is longer than {LARGEST_JSON >> 20} MiB")
        yield line


def _cause(error: BaseException) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    return "it is nested too deeply" if isinstance(error, RecursionError) else " ".join(str(error).split())[:120]
