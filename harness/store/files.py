"""Files as a run needs them: append-only JSONL, atomic renames for everything else, and one clear line when a disk is full."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, StageError


def make_folder(folder: Path) -> None:
    with _disk(folder):
        folder.mkdir(parents=True, exist_ok=True)


def write_json(path: Path, value: Any) -> None:
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def write_text(path: Path, text: str) -> None:
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write to a temporary neighbour, then rename: readers see the old file or the new one."""
    with _disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


def write_jsonl(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    write_text(path, "".join(_line(row) for row in rows))


def append_jsonl(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Append and flush to the disk before returning."""
    with _disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write("".join(_line(row) for row in rows))
            file.flush()
            os.fsync(file.fileno())


def read_jsonl(path: Path) -> Iterator[dict[str, Any]]:
    """Whole lines only. A last line that has no newline or does not parse was cut by a kill, and is dropped."""
    if not path.exists():
        return
    with path.open(encoding="utf-8") as file:
        for line in file:
            if not line.endswith("\n"):
                return
            try:
                yield json.loads(line)
            except json.JSONDecodeError:
                return


def _line(row: dict[str, Any]) -> str:
    # ASCII: lone surrogates stay escapes that read back unchanged
    return json.dumps(row, ensure_ascii=True, separators=(",", ":")) + "\n"


@contextlib.contextmanager
def _disk(path: Path) -> Iterator[None]:
    """A full or read-only disk is one clear line; what was flushed before stays."""
    try:
        yield
    except HarnessError:
        raise
    except OSError as error:
        remedy = "free some space, then run the same command again" if error.errno == 28 else ""
        raise StageError(f"cannot write {path}: {error.strerror or error}", remedy) from error
