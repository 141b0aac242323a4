"""Files as a run needs them: append-only JSONL, atomic renames for everything else, and one clear line when a disk is full."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
import stat
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from harness.errors import HarnessError, StageError

BLOCK = 1 << 16  # bytes
LARGEST_TOML = 16 << 20  # bytes
LARGEST_JSON = 256 << 20  # bytes of a file, or of a line: five times the longest reply, all of it escaped


def make_folder(folder: Path) -> None:
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)


def write_json(path: Path, value: Any) -> None:
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def write_text(path: Path, text: str) -> None:
    write_bytes(path, text.encode("utf-8", "backslashreplace"))  # a lone surrogate: as JSON escapes it


def write_derived(path: Path, text: str) -> None:
    """Write what can be made again at any time: only where it differs, and without waiting for the disk."""
    content = text.encode("utf-8", "backslashreplace")
    with contextlib.suppress(OSError):
        if read_bytes(path) == content:
            return
    write_bytes(path, content, durable=False)


def write_bytes(path: Path, content: bytes, durable: bool = True) -> None:
    """Write to a temporary neighbour, then rename: readers see the old file or the new one."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name[:80]}.{secrets.token_hex(6)}")
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)  # as the umask has it
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                if durable:
                    file.flush()
                    os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def write_jsonl(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    write_text(path, "".join(_line(row) for row in rows))


def append_jsonl(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Append and flush to the disk before returning. What a kill left of a last line is removed first. Not to what a link
    points at."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
        with os.fdopen(handle, "ab+") as file:
            _drop_cut_line(file)
            file.write("".join(_line(row) for row in rows).encode("ascii"))
            file.flush()
            os.fsync(file.fileno())


def open_regular(path: Path) -> BinaryIO:
    """For reading. Raises OSError for a pipe or a device as well, which might never end, and for a folder."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return os.fdopen(handle, "rb")


def read_bytes(path: Path) -> bytes:
    """Raises OSError, and ValueError for more than any of our files has."""
    with open_regular(path) as file:
        return _whole(file.read(LARGEST_JSON + 1))


def read_json(path: Path) -> Any:
    """Raises Damaged, naming the line, if it cannot be read as JSON."""
    try:
        return json.loads(read_bytes(path))
    except (ValueError, RecursionError) as error:
        raise Damaged(path, _line_of(error), _cause(error)) from None
    except OSError as error:
        raise unreadable(path, error) from None


def read_object(path: Path) -> dict[str, Any]:
    """Like `read_json`, of a file that holds an object."""
    found = read_json(path)
    if not isinstance(found, dict):
        raise Damaged(path, None, "not an object")
    return found


def read_toml(path: Path) -> dict[str, Any]:
    """Raises OSError, and ValueError for anything but TOML of a size that a person writes."""
    with open_regular(path) as file:
        content = file.read(LARGEST_TOML + 1)
    if len(content) > LARGEST_TOML:
        raise ValueError(f"it has more than {LARGEST_TOML >> 20} MiB")
    try:
        return tomllib.loads(content.decode("utf-8"))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def read_jsonl(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a file, each an object. A last line that does not parse was cut by a kill, and is dropped.

    Raises Damaged for any other line that is no object: a kill cuts no line but the last."""
    yield from (row for _, row in numbered_jsonl(path))


def numbered_jsonl(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Like `read_jsonl`, each line with its number from 1."""
    cut: Damaged | None = None
    try:
        with open_regular(path) as file:
            for number, line in enumerate(iter(lambda: file.readline(LARGEST_JSON + 1), b""), 1):
                if cut is not None:
                    raise cut
                try:
                    row = json.loads(_whole(line))
                    if not isinstance(row, dict):
                        raise ValueError("not an object")
                    if line.endswith(b"\n"):
                        yield number, row
                except (ValueError, RecursionError) as error:
                    cut = Damaged(path, number, _cause(error))
    except FileNotFoundError:
        return
    except OSError as error:
        raise unreadable(path, error) from None


def _whole(content: bytes) -> bytes:
    if len(content) > LARGEST_JSON:
        raise ValueError(f"longer than {LARGEST_JSON >> 20} MiB")
    return content


def unreadable(path: Path, error: OSError) -> StageError:
    return StageError(f"cannot read {path}: {error.strerror or error}")


class Damaged(StageError):
    """A stored file that is not as it was written. Nothing of it is changed."""

    def __init__(self, path: Path, line: int | None, cause: str) -> None:
        where = f"{path}, line {line}" if line else str(path)
        super().__init__(
            f"{where} is damaged: {cause}; nothing was changed",
            "remove that line, or the file, and run the same command again: what is missing is made again",
        )


def _cause(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8"
    return "nested too deeply" if isinstance(error, RecursionError) else " ".join(str(error).split())[:120]


def _line_of(error: Exception) -> int | None:
    return error.lineno if isinstance(error, json.JSONDecodeError) else None


def _drop_cut_line(file: BinaryIO) -> None:
    """Truncate a file that does not end with a newline after the last one."""
    end = file.seek(0, os.SEEK_END)
    while end > 0:
        start = max(0, end - BLOCK)
        file.seek(start)
        found = file.read(end - start).rfind(b"\n")
        if found >= 0 or start == 0:
            file.truncate(start + found + 1)
            return
        end = start


def _line(row: dict[str, Any]) -> str:
    # ASCII: lone surrogates stay escapes that read back unchanged
    return json.dumps(row, ensure_ascii=True, separators=(",", ":")) + "\n"


def visible_files(folder: Path) -> Iterator[Path]:
    """Every file below it, by name. Hidden ones are locks and what is being written."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts):
            yield path


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Whatever keeps `path` from being written (a full disk, a read-only folder) is a StageError; what was flushed stays."""
    try:
        yield
    except HarnessError:
        raise
    except OSError as error:
        remedy = "free some space, then run the same command again" if error.errno == 28 else ""
        raise StageError(f"cannot write {path}: {error.strerror or error}", remedy) from error
