"""The last files of an artefact: tensors outside the blocks, index, config.json, manifest and completion marker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.checkpoints.checkpoint import ARTEFACT_TYPE, COMPANIONS, Checkpoint, read_header
from harness.checkpoints.manifest import MANIFEST, MARKER, LinearEntry, Manifest
from harness.checkpoints.quantizer import METHOD
from harness.checkpoints.weight_files import INDEX
from harness.compression.blocks import read_tensors
from harness.compression.pieces import Piece, copy, write_json, write_piece, write_text
from harness.store.hashing import digest_file

SHARD_BYTES = 2 << 30


def write_outside(checkpoint: Checkpoint, out: Path, partial: Path, run: str) -> list[Piece]:
    """Copy the tensors outside the blocks into shards of at most SHARD_BYTES (or one larger tensor)."""
    pieces = []
    for number, names in enumerate(_shards(checkpoint)):
        file = out / f"outside-{number:05d}.safetensors"
        record = partial / f"outside-{number:05d}.json"
        pieces.append(write_piece(file, record, run, dict(read_tensors(checkpoint, names)), {}))
    return pieces


def write_config(checkpoint: Checkpoint, out: Path, linears: dict[str, LinearEntry]) -> None:
    """config.json wraps the base configuration under a model_type that stock transformers refuses."""
    decisions = sorted({entry.decision for entry in linears.values()}, key=lambda decision: decision.model_dump_json())
    modules = {name: [decisions.index(entry.decision), entry.seed] for name, entry in linears.items()}
    quantization = {
        "quant_method": METHOD,
        "decisions": [decision.model_dump() for decision in decisions],
        "modules": modules,
    }
    write_json(
        out / "config.json",
        {"model_type": ARTEFACT_TYPE, "base": dict(checkpoint.config), "quantization_config": quantization},
    )


def write_index(out: Path) -> None:
    """Which shard holds which tensor, read from the shards themselves."""
    shards = {file.name: read_header(file) for file in sorted(out.glob("*.safetensors"))}
    total = sum(tensor.bytes for tensors in shards.values() for tensor in tensors.values())
    weight_map = {name: file for file, tensors in shards.items() for name in tensors}
    write_json(out / INDEX, {"metadata": {"total_size": total}, "weight_map": weight_map})


def copy_companions(checkpoint: Checkpoint, out: Path) -> None:
    """Tokenizer, chat template and generation configuration, where the source has them."""
    for name in COMPANIONS:
        if (checkpoint.folder / name).is_file():
            copy(checkpoint.folder / name, out / name)


def complete(out: Path, manifest: Manifest) -> None:
    """Write the manifest and then the marker that makes the artefact loadable."""
    write_text(out / MANIFEST, manifest.model_dump_json(indent=1))
    write_json(out / MARKER, {name: digest_file(out / name) for name in ("config.json", MANIFEST)})


def _shards(checkpoint: Checkpoint) -> Iterator[list[str]]:
    """Names of the tensors outside the blocks, cut into shards by size."""
    names: list[str] = []
    size = 0
    for name in checkpoint.outside_blocks():
        extent = checkpoint.tensors[name].bytes
        if names and size + extent > SHARD_BYTES:
            yield names
            names, size = [], 0
        names.append(name)
        size += extent
    if names:
        yield names
