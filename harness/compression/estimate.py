"""What compressing a model will take: memory, disk and hours, from a dry run of one block.

The dry run really compresses a truncated model: its first two blocks with their weights, embeddings with few rows, and
only as many random tokens as the widest Linear needs. It stops after the first block. It runs in a child process, whose
peak memory is read, and in a temporary folder, so that no artefact is left behind. What it finds is kept, by machine and
shape. Where the model writes its own calibration text, which can take longer than compressing it, a few steps of one batch
are timed as well.
"""

from __future__ import annotations

import math
import os
import platform
import tempfile
from dataclasses import asdict
from pathlib import Path

import torch

from harness.checkpoints.checkpoint import Checkpoint, open_checkpoint
from harness.checkpoints.shape import shape_of
from harness.checkpoints.shards import max_streamed_bytes, streaming
from harness.compression.calibration import SELF, CalibrationSource, context_length
from harness.compression.dry_run import (
    CUT_BLOCKS,
    DryRun,
    random_tokens,
    refuse_whole,
    run_apart,
    sequences_for,
    write_truncated_model,
)
from harness.compression.job import code_record, compressor_record
from harness.compression.measurements import PROBES
from harness.compression.paused import HELD_BYTES
from harness.compression.pieces import write_json
from harness.compression.self_samples import sampling_memory, sampling_seconds
from harness.compression.token_weights import TOKENS_AT_ONCE
from harness.contract import Compressor, LinearShape, ModelShape, Record
from harness.planning.sizes import stored_bits
from harness.store.files import read_json
from harness.store.hashing import key_of
from harness.store.paths import cache_folder


class CostEstimate(Record):
    """`memory` and `disk` in bytes. `block_seconds` is the dry run's time for one of the `blocks`; `sampling_seconds`, in
    `seconds`, what the model takes to write its own calibration text."""

    blocks: int
    block_seconds: float
    sampling_seconds: float = 0.0
    seconds: float
    memory: int
    device_memory: int | None  # of an accelerator
    disk: int

    @property
    def described(self) -> str:
        sampling = f", sampling calibration text {self.sampling_seconds:.0f} s" if self.sampling_seconds else ""
        device = f", {self.device_memory / 1e9:.1f} GB on the device" if self.device_memory is not None else ""
        return (
            f"{self.memory / 1e9:.1f} GB memory{device}, {self.disk / 1e9:.2f} GB disk, {self.seconds / 3600:.2f} hours "
            f"(one of {self.blocks} blocks took {self.block_seconds:.0f} s{sampling})"
        )


def estimate(source: Path, compressor: Compressor, wanted: CalibrationSource, *, device: str = "cpu") -> CostEstimate:
    """Measure one block of the model in folder `source`; takes about as long as compressing it does.

    Raises:
        UsageError: the compressor hands the whole model to a library, so one block says nothing; the calibration
            asks for scores that nothing has.
        ModelError: what compressing itself would raise.
    """
    refuse_whole(compressor)
    checkpoint = open_checkpoint(Path(source))
    shape = shape_of(checkpoint)
    wanted.check_scores(compressor.calibrated)
    length = min(wanted.length, context_length(Path(source)))
    widest = max(linear.columns for linear in shape.linears)
    count = sequences_for(wanted, length, widest)
    unscored = {"min_score": None, "weighted": False}
    given = wanted.model_copy(update={"sequences": count, "length": length, **unscored})
    samples = compressor.calibrated and wanted.source == SELF and not wanted.texts
    dry = _known(checkpoint, shape, compressor, given, device)
    sampling = sampling_seconds(Path(source), wanted.sequences, length, wanted.seed, device) if samples else 0.0
    share = shape.weights / _weights(shape, 0)  # blocks, when all are alike
    per_token = wanted.sequences / count if compressor.calibrated else 1.0
    cut = min(CUT_BLOCKS, shape.blocks)
    streams = 2 if wanted.sequential and wanted.refit and compressor.calibrated else 1
    tokens = length * wanted.sequences if compressor.calibrated else 0
    activations = 4 * shape.hidden * tokens
    waiting = min(HELD_BYTES, streams * (2 * activations + 4 * widest * tokens))
    probed = length * min(wanted.sequences, PROBES) if compressor.measures else 0
    probed = max(probed, min(length * wanted.sequences, TOKENS_AT_ONCE) if compressor.guided else 0)
    spilled = 4 * shape.hidden * probed * shape.blocks  # gone before the artefact's first file
    parts = [math.prod(checkpoint.tensors[name].shape) for name in checkpoint.outside_blocks()]
    outside = sum(parts)
    everything = sum(math.prod(tensor.shape) for tensor in checkpoint.tensors.values())
    on_device = dry.device_memory is not None
    embedding = max(parts, default=0)  # held once more, in blocks, where the head shares it
    drawing = 4 * (everything + embedding) + sampling_memory(Path(source), wanted.sequences, length) if samples else 0
    return CostEstimate(
        blocks=shape.blocks,
        block_seconds=dry.block_seconds(cut),
        sampling_seconds=sampling,
        seconds=share * dry.block_seconds(cut, per_token) + sampling,
        memory=max(
            dry.memory + streams * activations + (0 if on_device else waiting),
            dry.imports + activations + 4 * outside,
            dry.imports + (0 if on_device else drawing),
        ),
        device_memory=max((dry.device_memory or 0) + waiting, drawing, 4 * outside) if on_device else None,
        disk=max(artefact_bytes(shape, compressor), spilled) + max_streamed_bytes(checkpoint.folder),
    )


def _known(
    checkpoint: Checkpoint, shape: ModelShape, compressor: Compressor, wanted: CalibrationSource, device: str
) -> DryRun:
    """The dry run of a block of this shape, on this machine: made once, then kept in the shared cache."""
    machine = (platform.node(), os.cpu_count(), torch.get_num_threads(), device)
    like = [(linear.kind, linear.rows, linear.columns) for linear in _of_block(shape, 0)]
    work = (
        compressor_record(compressor),
        wanted.model_dump(mode="json", exclude={"texts", "source"}),
        shape.blocks > 1,
    )
    key = key_of([machine, like, checkpoint.model_type, work, code_record(compressor)])
    file = cache_folder() / "estimates" / f"{key[:32]}.json"
    if file.is_file():
        return DryRun(**read_json(file))
    with tempfile.TemporaryDirectory(prefix="harness-estimate-") as scratch:
        with streaming(checkpoint.folder):
            vocabulary = write_truncated_model(checkpoint, Path(scratch) / "model")
        dry = run_apart(Path(scratch), compressor, random_tokens(wanted, vocabulary), device)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_json(file, asdict(dry))
    return dry


def artefact_bytes(shape: ModelShape, compressor: Compressor) -> int:
    """The most bytes on disk at a time: the artefact plus the pieces of its largest block."""
    decisions = compressor.plan(shape)
    limit = compressor.limit(shape) if compressor.measures else None
    stored = stored_bits(shape, decisions) if limit is None else limit
    largest = max(
        sum(linear.stored_bits(decisions[linear.name]) for linear in _of_block(shape, block))
        for block in range(shape.blocks)
    )
    return (stored + largest) // 8 + shape.overhead


def _of_block(shape: ModelShape, block: int) -> list[LinearShape]:
    return [linear for linear in shape.linears if linear.block == block]


def _weights(shape: ModelShape, block: int) -> int:
    return sum(linear.rows * linear.columns for linear in _of_block(shape, block))
