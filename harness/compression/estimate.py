"""What compressing a model will take: memory, disk and hours, from a dry run of one block.

The dry run really compresses a truncated model: its first two blocks with their weights, embeddings with few rows, and
only as many random tokens as the widest Linear needs. It stops after the first block. It runs in a child process, whose
peak memory is read, and in a temporary folder, so that no artefact is left behind. What it finds is kept, by machine and
shape. Where the model writes its own calibration text, which can take longer than compressing it, a few steps of one batch
are timed as well.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import platform
import resource
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from harness.checkpoints.checkpoint import Checkpoint, open_checkpoint
from harness.checkpoints.shape import shape_of
from harness.checkpoints.shards import max_streamed_bytes, streaming
from harness.checkpoints.weight_files import SINGLE
from harness.compression.blocks import read_tensors
from harness.compression.calibration import SELF, CalibrationSource, context_length
from harness.compression.driver import compress
from harness.compression.job import PARTIAL, code_record, compressor_record
from harness.compression.measurements import PROBES
from harness.compression.paused import HELD_BYTES
from harness.compression.pieces import Piece, write_json
from harness.compression.self_samples import sampling_seconds
from harness.compression.token_weights import STAGE, TOKENS_AT_ONCE
from harness.contract import Compressor, LinearShape, ModelShape, Record
from harness.errors import HarnessError, ModelError, UsageError
from harness.planning.sizes import stored_bits
from harness.store.files import read_json
from harness.store.hashing import key_of
from harness.store.paths import cache_folder

CUT_BLOCKS, CUT_VOCABULARY = 2, 256
LEAST_SEQUENCES = 16  # with fewer, costs that do not grow with the tokens would weigh too much


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
    if compressor.whole_model:
        raise UsageError(f"{type(compressor).__name__} takes the whole model: nothing to estimate from one block")
    checkpoint = open_checkpoint(Path(source))
    shape = shape_of(checkpoint)
    wanted.check_scores(compressor.calibrated)
    length = min(wanted.length, context_length(Path(source)))
    widest = max(linear.columns for linear in shape.linears)
    count = min(wanted.sequences, max(LEAST_SEQUENCES, math.ceil(widest / length) + 1))
    unscored = {"min_score": None, "weighted": False}
    given = wanted.model_copy(update={"sequences": count, "length": length, **unscored})
    samples = compressor.calibrated and wanted.source == SELF and not wanted.texts
    dry = _known(checkpoint, shape, compressor, given, device)
    sampling = sampling_seconds(Path(source), wanted.sequences, length, wanted.seed, device) if samples else 0.0
    share = shape.weights / _weights(shape, 0)  # blocks, when all are alike
    per_token = wanted.sequences / count if compressor.calibrated else 1.0
    cut = min(CUT_BLOCKS, shape.blocks)
    seconds = dry.measuring / cut + dry.compressing + (dry.passing + dry.guiding / cut) * per_token
    streams = 2 if wanted.sequential and wanted.refit and compressor.calibrated else 1
    tokens = length * wanted.sequences if compressor.calibrated else 0
    activations = 4 * shape.hidden * tokens
    waiting = min(HELD_BYTES, streams * (2 * activations + 4 * widest * tokens))
    probed = length * min(wanted.sequences, PROBES) if compressor.measures else 0
    probed = max(probed, min(length * wanted.sequences, TOKENS_AT_ONCE) if compressor.guided else 0)
    spilled = 4 * shape.hidden * probed * shape.blocks  # gone before the artefact's first file
    outside = sum(math.prod(checkpoint.tensors[name].shape) for name in checkpoint.outside_blocks())
    everything = sum(math.prod(tensor.shape) for tensor in checkpoint.tensors.values())
    on_device = dry.device_memory is not None
    return CostEstimate(
        blocks=shape.blocks,
        block_seconds=(dry.measuring + dry.guiding) / cut + dry.compressing + dry.passing,
        sampling_seconds=sampling,
        seconds=share * seconds + sampling,
        memory=max(
            dry.memory + streams * activations + (0 if on_device else waiting),
            dry.imports + activations + 4 * outside,
            dry.imports + (4 * everything if samples and not on_device else 0),
        ),
        device_memory=max((dry.device_memory or 0) + waiting, 4 * everything if samples else 4 * outside)
        if on_device
        else None,
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
        generator = torch.Generator().manual_seed(wanted.seed)
        tokens = torch.randint(vocabulary, (wanted.sequences, wanted.length), generator=generator).tolist()
        given = wanted.model_copy(update={"tokens": tuple(map(tuple, tokens))})
        dry = _in_child_process(Path(scratch), compressor, given, device)
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


def write_truncated_model(checkpoint: Checkpoint, folder: Path) -> int:
    """Write the first blocks as a model folder, with embeddings cut to few rows; returns its vocabulary size."""
    stated = int(checkpoint.config.get("vocab_size", 0))
    vocabulary = min(stated, CUT_VOCABULARY)
    blocks = min(CUT_BLOCKS, shape_of(checkpoint).blocks)
    names = [*checkpoint.outside_blocks(), *(name for block in range(blocks) for name in checkpoint.of_block(block))]
    tensors = dict(read_tensors(checkpoint, names))
    for name in checkpoint.outside_blocks():
        if tensors[name].ndim == 2 and len(tensors[name]) == stated:
            tensors[name] = tensors[name][:vocabulary].clone()
    folder.mkdir()
    save_file(
        {name: tensor.contiguous() for name, tensor in tensors.items()}, folder / SINGLE, metadata={"format": "pt"}
    )
    config: dict[str, Any] = {**checkpoint.config, "vocab_size": vocabulary}
    config |= {key: blocks for key in ("num_hidden_layers", "n_layer") if key in config}
    config |= {key: None for key in ("bos_token_id", "eos_token_id", "pad_token_id") if key in config}
    if isinstance(config.get("layer_types"), list):
        config["layer_types"] = config["layer_types"][:blocks]
    write_json(folder / "config.json", config)
    return vocabulary


@dataclass
class DryRun:
    """Seconds of the stages of one block (`measuring` and `guiding`: of all that there are), and bytes: `imports` before,
    `memory` at the peak."""

    measuring: float = 0.0
    compressing: float = 0.0
    passing: float = 0.0  # forward passes and Hessians: grows with the tokens
    guiding: float = 0.0  # the backward pass, where Hessians are guided: grows with them, too
    imports: int = 0
    memory: int = 0
    device_memory: int | None = None
    error: HarnessError | None = None


class _FirstBlockDone(Exception):
    """Raised when the first block is done."""


@dataclass
class _Stopwatch:
    """A progress display that records how long each stage took, and stops after the first block."""

    seconds: dict[str, float] = field(default_factory=dict)
    last: float = field(default_factory=time.monotonic)

    def __call__(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self.last
        self.last = now
        if stage == "blocks":
            raise _FirstBlockDone


def _in_child_process(scratch: Path, compressor: Compressor, wanted: CalibrationSource, device: str) -> DryRun:
    context = multiprocessing.get_context("spawn")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=_dry_run, args=(send, scratch, compressor, wanted, device))
    process.start()
    send.close()
    try:
        dry: DryRun = receive.recv()
    except EOFError as error:
        process.join()
        cause = f"the dry run of one block died with exit code {process.exitcode}"
        raise ModelError(cause, "it may have run out of memory") from error
    process.join()
    if dry.error:
        raise dry.error
    return dry


def _dry_run(send: Any, scratch: Path, compressor: Compressor, wanted: CalibrationSource, device: str) -> None:
    os.environ["HARNESS_CACHE"] = str(scratch / "cache")
    dry = DryRun(imports=_peak_memory())
    watch = _Stopwatch()
    out = scratch / "artefact"
    try:
        compress(scratch / "model", compressor, wanted, out, device=device, progress=watch)
    except _FirstBlockDone:
        piece = Piece.model_validate_json((out / PARTIAL / "block-00000.json").read_bytes())
        dry.compressing = sum(entry.seconds for entry in piece.linears.values())
        dry.passing = max(0.0, watch.seconds.pop("blocks") - dry.compressing)
        watch.seconds.pop("calibration", None)
        dry.guiding = watch.seconds.pop(STAGE, 0.0)
        dry.measuring = sum(watch.seconds.values())
        dry.memory = _peak_memory()
        if device.startswith("cuda"):
            dry.device_memory = torch.cuda.max_memory_allocated(device)
    except HarnessError as error:
        dry.error = error
    send.send(dry)


def _peak_memory() -> int:
    """Peak resident bytes of this process so far (on Linux since exec, so without the parent's)."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return next(1024 * int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


def _of_block(shape: ModelShape, block: int) -> list[LinearShape]:
    return [linear for linear in shape.linears if linear.block == block]


def _weights(shape: ModelShape, block: int) -> int:
    return sum(linear.rows * linear.columns for linear in _of_block(shape, block))
