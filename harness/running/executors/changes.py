"""A folder that grows on one machine, followed on another: what is new in its files, piece by piece."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, NamedTuple

from harness.errors import StageError
from harness.store.files import visible_files, write_bytes, writing

TAIL = 256  # bytes that tell whether a file was appended to or made anew under a freed inode's number


class Change(NamedTuple):
    """Bytes of a file: all of it, or what was appended to its first `start` bytes."""

    file: str  # relative, with slashes
    start: int
    content: bytes


class _Seen(NamedTuple):
    inode: int
    size: int
    tail: bytes  # the last bytes


class Outbox:
    """Tells what has changed in a folder since it was last asked. Files are appended to or replaced, as `store.files` does
    it: what kept its inode has grown. Of a .jsonl file only whole lines count, since a kill may cut the last one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._seen: dict[str, _Seen] = {}

    def place(self, files: Mapping[str, bytes]) -> None:
        """Put files there that the other side has."""
        for name, content in files.items():
            path = self.folder / name
            write_bytes(path, content)
            self._seen[name] = _Seen(path.stat().st_ino, len(content), content[-TAIL:])

    def changes(self) -> list[Change]:
        return [change for path in visible_files(self.folder) if (change := self._change(path))]

    def _change(self, path: Path) -> Change | None:
        name = path.relative_to(self.folder).as_posix()
        seen = self._seen.get(name)
        try:
            with path.open("rb") as file:
                now = os.fstat(file.fileno())
                appended = seen is not None and seen.inode == now.st_ino and _begins_alike(file, seen)
                start = seen.size if appended and seen else file.seek(0)
                content = file.read(now.st_size - start)
        except FileNotFoundError:  # replaced this moment
            return None
        if path.suffix == ".jsonl":
            content = content[: content.rfind(b"\n") + 1]
        if appended and not content:
            return None
        tail = ((seen.tail if appended and seen else b"") + content)[-TAIL:]
        self._seen[name] = _Seen(now.st_ino, start + len(content), tail)
        return Change(name, start, content)


def _begins_alike(file: BinaryIO, seen: _Seen) -> bool:
    """Whether what was seen of a file still stands in it; the file is then read to there."""
    file.seek(seen.size - len(seen.tail))
    return file.read(len(seen.tail)) == seen.tail


def apply(changes: list[Change], folder: Path) -> None:
    """Make them here as well. Raises StageError for a file that is not as long as the other side knew it."""
    for file, start, content in changes:
        path = folder / file
        if not start:
            write_bytes(path, content)
            continue
        with writing(path), path.open("r+b") as stream:
            if stream.seek(0, os.SEEK_END) < start:
                raise StageError(f"{path} is shorter than it was", "run the same command again")
            stream.truncate(start)
            stream.seek(start)
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())


def read_all(folder: Path, names: list[str]) -> dict[str, bytes]:
    """The files of some subfolders of `folder`, by relative name."""
    found = [path for name in names for path in visible_files(folder / name)]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}
