"""A model folder whose shards come and go: each is fetched when one of its tensors is read, and the oldest is deleted.

Such a folder holds config.json, tokenizer and index as they are, the header of every shard (`NAME.header`: the first
bytes of the safetensors file), and remote.json, which says where the shards come from and what their digests are. It
holds at most KEEP shards at a time, so that compressing a model needs disk space for its artefact and two shards only.
Imports no torch.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from harness.checkpoints.weight_files import weight_files
from harness.contract import Record
from harness.errors import ModelError
from harness.store.locks import LOCK, held

KEEP = 2
REMOTE = "remote.json"
HEADER = ".header"
LARGEST_HEADER = 100_000_000  # bytes of JSON that a safetensors file may begin with, by its format


class RemoteFile(Record):
    bytes: int
    sha256: str


class RemoteModel(Record):
    """`source` is what `open_remote` opens."""

    source: str
    shards: dict[str, RemoteFile]


class Remote(Protocol):
    """Where a model's files come from."""

    source: str

    def shards(self) -> dict[str, RemoteFile]: ...

    def head(self, shard: str, count: int) -> bytes:
        """Its first `count` bytes."""

    def fetch(self, name: str, folder: Path) -> None:
        """Write `folder`/`name`."""

    def companions(self) -> list[str]:
        """The names of all files that are not weights."""


class FolderRemote:
    """A folder elsewhere, such as a network mount."""

    def __init__(self, path: Path) -> None:
        self.path, self.source = Path(path), f"folder:{path}"

    def shards(self) -> dict[str, RemoteFile]:
        return {file.name: _described(file) for file in sorted(self.path.glob("*.safetensors"))}

    def companions(self) -> list[str]:
        return [file.name for file in self.path.iterdir() if file.suffix in (".json", ".txt", ".model", ".jinja")]

    def head(self, shard: str, count: int) -> bytes:
        with (self.path / shard).open("rb") as stream:
            return stream.read(count)

    def fetch(self, name: str, folder: Path) -> None:
        shutil.copyfile(self.path / name, folder / name)


def open_remote(source: str) -> Remote:
    kind, _, place = source.partition(":")
    if kind == "folder":
        return FolderRemote(Path(place))
    from harness.checkpoints.hub import HubRemote

    return HubRemote(*place.split("@"))


def streamed_folder(remote: Remote, folder: Path) -> Path:
    """Make `folder` a checkpoint of the remote model without its weights, unless it already is one."""
    if (folder / REMOTE).is_file():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    for name in remote.companions():
        remote.fetch(name, folder)
    known = remote.shards()
    shards = {name: known[name] for name in weight_files(folder, {*known, *names_at_hand(folder)})[0]}
    for name in shards:
        length = struct.unpack("<Q", remote.head(name, 8))[0]
        if length > min(shards[name].bytes - 8, LARGEST_HEADER):
            raise ModelError(f"{name} of {remote.source} is not a safetensors file: its header does not fit")
        (folder / f"{name}{HEADER}").write_bytes(remote.head(name, 8 + length))
    partial = folder / f"{REMOTE}.tmp"
    partial.write_text(RemoteModel(source=remote.source, shards=shards).model_dump_json(indent=1))
    partial.replace(folder / REMOTE)
    return folder


def remote_model(folder: Path) -> RemoteModel | None:
    """What is known about the shards of a streamed folder; None for an ordinary one."""
    file = folder / REMOTE
    return RemoteModel.model_validate(json.loads(file.read_text())) if file.is_file() else None


def names_at_hand(folder: Path) -> set[str]:
    """The files of a folder and of the folders in it, relative to it; a shard that is yet to be fetched counts as one."""
    found = {
        file.relative_to(folder).as_posix() for depth in ("*", "*/*") for file in folder.glob(depth) if file.is_file()
    }
    return {name.removesuffix(HEADER) for name in found} if REMOTE in found else found


def header_of(file: Path) -> tuple[Path, int]:
    """(file to read the shard's header from, bytes of the whole shard), whether or not the shard is there."""
    header = file.with_name(file.name + HEADER)
    if file.is_file() or not header.is_file() or (model := remote_model(file.parent)) is None:
        return file, file.stat().st_size
    return header, model.shards[file.name].bytes


def local(file: Path) -> Path:
    """`file`; a shard that is missing is fetched and checked first, and replaces the one read longest ago.

    Raises:
        ModelError: the shard cannot be fetched, or has changed since the folder was made.
    """
    model = remote_model(file.parent)
    if model is None or file.name not in model.shards:
        return file
    if file.is_file():
        os.utime(file)
        return file
    present = sorted((one for name in model.shards if (one := file.with_name(name)).is_file()), key=_read_at)
    for oldest in present[: len(present) - KEEP + 1]:
        oldest.unlink()
    incoming = file.parent / "incoming"
    shutil.rmtree(incoming, ignore_errors=True)  # of a run that was killed
    incoming.mkdir()
    try:
        open_remote(model.source).fetch(file.name, incoming)
    except OSError as error:
        raise ModelError(
            f"{file.name} of {model.source} cannot be fetched: {error}", "run the command again"
        ) from error
    if _described(incoming / file.name) != model.shards[file.name]:
        shutil.rmtree(incoming)
        raise ModelError(f"{file.name} of {model.source} is not what it was", f"delete {file.parent} and run again")
    (incoming / file.name).replace(file)
    shutil.rmtree(incoming)
    return file


def drop_shards(folder: Path) -> None:
    """Remove the shards of a streamed folder; an ordinary one is left as it is."""
    model = remote_model(folder)
    for name in model.shards if model else ():
        (folder / name).unlink(missing_ok=True)


def max_streamed_bytes(folder: Path) -> int:
    """The most bytes that the shards of a streamed folder take at a time; 0 for an ordinary folder."""
    model = remote_model(folder)
    return sum(sorted((shard.bytes for shard in model.shards.values()), reverse=True)[:KEEP]) if model else 0


@contextmanager
def streaming(folder: Path) -> Iterator[None]:
    """Lock a streamed folder against other processes and leave it without shards; an ordinary folder needs neither."""
    if remote_model(folder) is None:
        yield
        return
    with held(folder / LOCK) as free:
        if not free:
            raise ModelError(f"another process is reading the shards of {folder}", "wait for it")
        yield
        drop_shards(folder)


def _described(file: Path) -> RemoteFile:
    with file.open("rb") as stream:
        return RemoteFile(bytes=file.stat().st_size, sha256=hashlib.file_digest(stream, "sha256").hexdigest())


def _read_at(file: Path) -> int:
    return file.stat().st_mtime_ns
