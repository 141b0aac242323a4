"""What an artefact says about itself, and whether that is true. It imports no torch, because reports and plans read it.

An artefact folder is complete when COMPLETE.json exists; it is written last and fixes the digests of config.json and
of the manifest, which in turn fixes the digest of every tensor.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import JsonValue, ValidationError

from harness.checkpoints.checkpoint import Checkpoint, open_checkpoint, stored_bytes
from harness.contract import Decision, Record
from harness.errors import ModelError, NoSuchModel
from harness.store.hashing import digest_file

MANIFEST = "manifest.json"
MARKER = "COMPLETE.json"
FORMAT = 1
USUAL_DAMPING = 0.01  # usual damping, as a fraction of the mean diagonal; a layer that needs more is worth a look


class LinearEntry(Record):
    """One compressed Linear: `base` is the sha256 of its bytes in the source; `error`, `trace`, `damping` and
    `start` are the QLR's."""

    block: int
    rows: int
    columns: int
    decision: Decision
    seed: int | None = None
    error: float | None = None
    trace: tuple[float, ...] = ()
    damping: float | None = None
    start: str | None = None
    seconds: float = 0.0
    dead_columns: int = 0
    base: str
    bits: int  # stored, counted from the written tensors


class Manifest(Record):
    """`weights` and `stored_bits` cover every decoder Linear, the untouched ones too; `tensors` maps to sha256.

    `run` fixes source, compressor, decisions and calibration: equal `run` and equal code, equal tensors. `foreign`
    holds the stored bits of Linears that a library compressed in its own format.
    """

    format: int = FORMAT
    run: str
    source: str
    compressor: dict[str, JsonValue]
    calibration: dict[str, JsonValue] | None
    blocks: int
    weights: int
    stored_bits: int
    kept: tuple[str, ...]
    linears: dict[str, LinearEntry]
    foreign: dict[str, int]
    tensors: dict[str, str]
    seconds: float  # over all attempts


class Summary(Record):
    """What a report shows of an artefact's size."""

    replaced: int
    linears: int
    bits_per_weight: float
    bytes: int


class LayerRow(Record):
    """One line of `harness inspect`."""

    name: str
    block: int
    rows: int
    columns: int
    bits: int
    rank: int
    factor_bits: int
    bits_per_weight: float
    error: float | None
    damping: float | None
    start: str | None
    dead_columns: int
    seconds: float
    bytes: int


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a complete artefact; its own digest and config.json's are checked against the marker."""
    folder = Path(folder)
    remedy = "finish the compression by running it again"
    if not (folder / MARKER).is_file():
        kind = ModelError if (folder / MANIFEST).is_file() else NoSuchModel
        raise kind(f"{folder} is not a complete artefact: it has no {MARKER}", remedy)
    try:
        promised: dict[str, Any] = json.loads((folder / MARKER).read_text())
        for name, digest in promised.items():
            if not (folder / name).is_file():
                raise ModelError(f"{folder / name} is missing from the artefact", "write or fetch the artefact again")
            if digest_file(folder / name) != digest:
                raise ModelError(f"{folder / name} was altered after compression", "write or fetch the artefact again")
        return Manifest.model_validate_json((folder / MANIFEST).read_bytes())
    except (OSError, ValueError, AttributeError, ValidationError) as error:
        raise ModelError(
            f"the manifest of {folder} is unreadable: {error}", "write or fetch the artefact again"
        ) from error


def verify(folder: Path, *, content: bool = True) -> Manifest:
    """Check every tensor of the artefact; without `content` presence and extents only, not the bytes.

    Raises:
        ModelError: the artefact is partial, or a tensor is missing, altered or unknown; the message names it.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    checkpoint = open_checkpoint(folder)
    remedy = "write or fetch the artefact again"
    for name, digest in manifest.tensors.items():
        stored = checkpoint.tensors.get(name)
        if stored is None:
            raise ModelError(f"{folder}: tensor {name} is missing", remedy)
        if content and stored.sha256() != digest:
            raise ModelError(f"{folder}: tensor {name} was altered after compression", remedy)
    unknown = sorted(checkpoint.tensors.keys() - manifest.tensors.keys())
    if unknown:
        raise ModelError(f"{folder}: tensor {unknown[0]} is not in the manifest", remedy)
    return manifest


def summary(folder: Path) -> Summary:
    """Size of a complete artefact: every stored bit of the decoder Linears over their weights, and all safetensors."""
    manifest = read_manifest(folder)
    replaced = len(manifest.linears) + len(manifest.foreign)
    return Summary(
        replaced=replaced,
        linears=replaced + len(manifest.kept),
        bits_per_weight=manifest.stored_bits / manifest.weights,
        bytes=stored_bytes(folder),
    )


def inspect(folder: Path) -> list[LayerRow]:
    """One row per compressed Linear, in block order."""
    return [
        LayerRow(
            name=name,
            block=entry.block,
            rows=entry.rows,
            columns=entry.columns,
            bits=entry.decision.bits,
            rank=entry.decision.rank,
            factor_bits=entry.decision.factor_bits,
            bits_per_weight=entry.bits / (entry.rows * entry.columns),
            error=entry.error,
            damping=entry.damping,
            start=entry.start,
            dead_columns=entry.dead_columns,
            seconds=entry.seconds,
            bytes=entry.bits // 8,
        )
        for name, entry in read_manifest(folder).linears.items()
    ]


def linear_bits(checkpoint: Checkpoint, name: str) -> int:
    """Bits of every stored tensor of the Linear `name`, its bias excepted."""
    prefix = f"{name}."
    return sum(
        8 * tensor.bytes
        for key, tensor in checkpoint.tensors.items()
        if key.startswith(prefix) and not key.endswith(".bias")
    )
