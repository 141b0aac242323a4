"""Files that survive a kill: a safetensors file appears whole or not at all, and its record says what it was made from.

A piece is a safetensors file with a JSON record beside it. The record is written last; a file without one, or whose
bytes no longer match it, does not count.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import save_file

from harness.checkpoints.checkpoint import read_header
from harness.checkpoints.manifest import LinearEntry
from harness.contract import Record
from harness.errors import ModelError, StageError
from harness.store.locks import LOCK, held


class Piece(Record):
    """What one file holds: `run` fixes everything it depends on, `tensors` maps a name to the sha256 of its bytes."""

    run: str
    linears: dict[str, LinearEntry]
    tensors: dict[str, str]
    bytes: int


def write_piece(
    file: Path, record: Path, run: str, tensors: Mapping[str, torch.Tensor], linears: Mapping[str, LinearEntry]
) -> Piece:
    """Write the tensors, then the record of what now lies on the disk."""
    write_tensors(file, tensors)
    header = read_header(file)
    digests = {name: stored.sha256() for name, stored in header.items()}
    piece = Piece(run=run, linears=dict(linears), tensors=digests, bytes=file.stat().st_size)
    write_text(record, piece.model_dump_json())
    return piece


def read_piece(file: Path, record: Path, run: str) -> Piece | None:
    """The piece if it is whole, unaltered and of this run."""
    try:
        piece = Piece.model_validate_json(record.read_bytes())
        stored = read_header(file)
    except (OSError, ValidationError, ModelError):
        return None
    unaltered = stored.keys() == piece.tensors.keys() and all(
        tensor.sha256() == piece.tensors[name] for name, tensor in stored.items()
    )
    return piece if piece.run == run and unaltered else None


def write_tensors(file: Path, tensors: Mapping[str, torch.Tensor]) -> None:
    """A safetensors file, whole or not at all."""
    with _replacing(file) as partial:
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, partial, metadata={"format": "pt"})


def write_text(file: Path, text: str) -> None:
    with _replacing(file) as partial:
        partial.write_text(text, encoding="utf-8")


def copy(source: Path, file: Path) -> None:
    with _replacing(file) as partial:
        shutil.copyfile(source, partial)


def write_json(file: Path, value: object) -> None:
    write_text(file, json.dumps(value, indent=1))


@contextmanager
def _replacing(file: Path) -> Iterator[Path]:
    partial = file.with_name(f".{file.name}.tmp")
    try:
        yield partial
        descriptor = os.open(partial, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        partial.replace(file)
    except (OSError, SafetensorError) as error:
        partial.unlink(missing_ok=True)
        full = getattr(error, "errno", None) == errno.ENOSPC or "No space left" in str(error)
        again = "free some space and run the same command again: a compression resumes, an export wants an empty folder"
        remedy = again if full else "check the folder"
        raise ModelError(f"{'the disk is full' if full else 'cannot write'}: {file}: {error}", remedy) from error


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Hold the folder against other processes; the lock dies with its process.

    Raises:
        ModelError: another process is writing there.
    """
    with ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            free = stack.enter_context(held(folder / LOCK))
        except (OSError, StageError) as error:
            raise ModelError(f"cannot write to {folder}: {error}", "choose another output folder") from error
        if not free:
            raise ModelError(f"another process is compressing into {folder}", "wait for it, or choose another folder")
        yield
