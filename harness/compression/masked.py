"""Artefacts that hold some Linears of another artefact and the others untouched, made without compressing anything again.

The other artefact, the *whole*, is compressed once, each input group on the original model's activations, so that no Linear
depends on what became of another. It is cut into parts, one file a Linear: compressed, untouched, and nudged at 16 bits (what
storing the weight once more could change: a null probe). An artefact of a mask links to the files of its parts: it takes a few
kilobytes, loads, verifies and exports like any other.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal

import torch

from harness.checkpoints.checkpoint import Checkpoint, open_checkpoint, read_header
from harness.checkpoints.digest import model_digest
from harness.checkpoints.manifest import MARKER, Manifest, read_manifest, summary, verify
from harness.checkpoints.shape import lenders, shape_of
from harness.checkpoints.shards import remote_model
from harness.compression.assembly import complete, copy_companions, write_config, write_index
from harness.compression.blocks import read_tensors
from harness.compression.calibration import CalibrationSource
from harness.compression.driver import CompressionResult, compress
from harness.compression.job import code_record, compressor_record
from harness.compression.pieces import copy, lock_folder, write_json, write_tensors
from harness.contract import Compressor, ModelShape
from harness.contract.compression import Progress, check_plan
from harness.errors import ModelError, PluginError, UsageError
from harness.store.cache import mark_used
from harness.store.code import arithmetic_versions, code_digest
from harness.store.files import read_json
from harness.store.hashing import digest_file, key_of
from harness.store.locks import exclusive_lock
from harness.store.paths import artefact_folder, cache_folder

Kind = Literal["compressed", "untouched", "nudged"]
DIGESTS = "digests.json"  # written last: kind -> tensor -> sha256
REST = "rest"
STEP = {torch.bfloat16: 2.0**-8, torch.float16: 2.0**-11}  # the relative spacing of numbers, at least


def put_together(
    source: Path,
    compressor: Compressor,
    calibration: CalibrationSource,
    out: Path,
    *,
    device: str = "cpu",
    progress: Progress | None = None,
) -> CompressionResult:
    """The artefact of `source` in which the Linears that `compressor` chooses are its treatment's, or nudged, in `out`.

    Raises:
        ModelError: as `driver.compress`, for the whole; or `out` holds another artefact.
        PluginError: the compressor has no treatment, or chooses a Linear that there is not.
        UsageError: it chooses a Linear without the one whose R that uses.
    """
    begun = time.monotonic()
    checkpoint = open_checkpoint(Path(source))
    shape = shape_of(checkpoint)
    if compressor.treatment is None:
        raise PluginError(f"{type(compressor).__name__} masks nothing: it has no treatment", "a bug in the compressor")
    if remote_model(checkpoint.folder):
        raise ModelError(f"masks of {checkpoint.folder} need the whole model on the disk", "download it first")
    kinds = _kinds(compressor, shape)
    wanted = calibration.model_copy(update={"sequential": False})
    whole = _whole(checkpoint, compressor.treatment, wanted, device, progress)
    parts = _parts(checkpoint, shape, whole)
    run = key_of([read_manifest(whole).run, kinds])
    with lock_folder(out):
        if not (out / MARKER).is_file():
            _link(checkpoint, shape, whole, parts, kinds, compressor, run, out, time.monotonic() - begun)
        elif verify(out, content=False).run != run:
            raise ModelError(f"{out} holds another artefact", "choose another folder or delete it")
    manifest = read_manifest(out)
    tokens = manifest.calibration["tokens"] if manifest.calibration else None
    return CompressionResult(
        folder=out,
        size=summary(out),
        seconds=time.monotonic() - begun,
        resumed=0,
        dead_columns=sum(entry.dead_columns for entry in manifest.linears.values()),
        calibration_tokens=tokens if isinstance(tokens, int) else None,
    )


def _kinds(compressor: Compressor, shape: ModelShape) -> dict[str, Kind]:
    """Linear -> the kind of its part. `compressor` has a treatment."""
    chosen = compressor.chosen(shape)
    names = [linear.name for linear in shape.linears]
    if strange := sorted(set(chosen) - set(names)):
        raise PluginError(f"{type(compressor).__name__} chooses {strange[0]}, which the model does not have")
    assert compressor.treatment is not None
    for borrower, lender in lenders(compressor.treatment.plan(shape)).items():
        if borrower in chosen and lender not in chosen and not compressor.nudges:
            raise UsageError(f"{borrower} cannot be compressed alone: its R is that of {lender}", "choose whole blocks")
    return {
        name: ("nudged" if compressor.nudges else "compressed") if name in chosen else "untouched" for name in names
    }


def _whole(
    checkpoint: Checkpoint, treatment: Compressor, wanted: CalibrationSource, device: str, progress: Progress | None
) -> Path:
    """The treatment's own artefact on original activations, made once for all masks."""
    calibration = wanted.model_dump(mode="json")
    if (text := Path(wanted.source)).is_file():
        calibration["source"] = digest_file(text)
    key = key_of(
        {
            "whole": compressor_record(treatment),
            "code": code_record(treatment),
            "libraries": arithmetic_versions(),
            "model": model_digest(checkpoint.folder),
            "calibration": calibration,
            "device": device.partition(":")[0],
        }
    )
    out = artefact_folder(key)
    with exclusive_lock(out):
        compress(checkpoint.folder, treatment, wanted, out, device=device, progress=progress)
    mark_used(out)
    return out


def _parts(checkpoint: Checkpoint, shape: ModelShape, whole: Path) -> Path:
    """The folder with each Linear's parts, and everything else."""
    folder = cache_folder() / "parts" / key_of([read_manifest(whole).run, code_digest(__name__)])[:32]
    with exclusive_lock(folder):
        if not (folder / DIGESTS).is_file():
            _cut(checkpoint, shape, whole, folder)
        mark_used(folder)
    return folder


def _cut(checkpoint: Checkpoint, shape: ModelShape, whole: Path, folder: Path) -> None:
    made = open_checkpoint(whole)
    digests: dict[str, dict[str, str]] = {"compressed": {}, "untouched": {}, "nudged": {}, REST: {}}

    def write(kind: str, name: str, tensors: Mapping[str, torch.Tensor]) -> None:
        file = folder / kind / f"{name}.safetensors"
        file.parent.mkdir(parents=True, exist_ok=True)
        write_tensors(file, tensors)
        digests[kind] |= {key: tensor.sha256() for key, tensor in read_header(file).items()}

    for linear in shape.linears:
        own = [key for key in made.tensors if key.startswith(f"{linear.name}.") and not key.endswith(".bias")]
        write("compressed", linear.name, dict(read_tensors(made, own)))
        (plain,) = read_tensors(checkpoint, [f"{linear.name}.weight"])
        write("untouched", linear.name, dict([plain]))
        write("nudged", linear.name, {plain[0]: nudged(plain[1])})
    outside, weights = checkpoint.outside_blocks(), {f"{linear.name}.weight" for linear in shape.linears}
    inside = [name for name in checkpoint.tensors if name not in weights and name not in set(outside)]
    write(REST, f"{REST}-blocks", dict(read_tensors(checkpoint, inside)))
    write(REST, f"{REST}-outside", dict(read_tensors(checkpoint, outside)))
    write_json(folder / DIGESTS, digests)


def nudged(weight: torch.Tensor) -> torch.Tensor:
    """The weight as another rounding to 16 bits could have left it: 16-bit numbers moved by up to one step, seeded; 32-bit
    numbers rounded to bfloat16."""
    if weight.dtype not in STEP:
        return weight.to(torch.bfloat16).to(weight.dtype)
    noise = torch.rand(weight.shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return (weight.float() * (1 + noise * STEP[weight.dtype])).to(weight.dtype)


def _link(
    checkpoint: Checkpoint,
    shape: ModelShape,
    whole: Path,
    parts: Path,
    kinds: Mapping[str, Kind],
    compressor: Compressor,
    run: str,
    out: Path,
    seconds: float,
) -> None:
    made = read_manifest(whole)
    digests: dict[str, dict[str, str]] = read_json(parts / DIGESTS)
    check_plan(compressor.plan(shape), shape)
    tensors = dict(digests[REST])
    for file, kind, name in _files(parts, kinds):
        _link_file(file, out / file.name)
        if name:
            tensors |= {key: digests[kind][key] for key in read_header(file)}
    linears = {name: entry for name, entry in made.linears.items() if kinds[name] == "compressed"}
    kept = [linear for linear in shape.linears if linear.name not in linears]
    write_config(checkpoint, out, linears)
    write_index(out)
    copy_companions(checkpoint, out)
    stored = sum(entry.bits for entry in linears.values()) + sum(
        linear.width * linear.rows * linear.columns for linear in kept
    )
    manifest = Manifest(
        run=run,
        source=model_digest(checkpoint.folder),
        compressor=compressor_record(compressor),
        calibration=made.calibration,
        blocks=shape.blocks,
        weights=shape.weights,
        stored_bits=stored,
        kept=tuple(linear.name for linear in kept),
        linears=linears,
        foreign={},
        tensors=tensors,
        seconds=seconds,
    )
    complete(out, manifest)


def _files(parts: Path, kinds: Mapping[str, Kind]) -> Iterator[tuple[Path, str, str]]:
    """(file, kind, Linear or "") of everything that the artefact holds."""
    for name, kind in kinds.items():
        yield parts / kind / f"{name}.safetensors", kind, name
    for file in sorted((parts / REST).glob("*.safetensors")):
        yield file, REST, ""


def _link_file(file: Path, target: Path) -> None:
    """A second name for the file; a copy where the file system has no links."""
    target.unlink(missing_ok=True)
    with suppress(OSError):
        os.link(file, target)
        return
    copy(file, target)
