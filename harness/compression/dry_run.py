"""The dry run of one block: a truncated model is really compressed, its stages are timed, and it stops after the first block.

It leaves nothing behind: the caller gives a scratch folder, which takes the place of the shared cache meanwhile.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from harness.checkpoints.checkpoint import Checkpoint
from harness.checkpoints.shape import shape_of
from harness.checkpoints.weight_files import SINGLE
from harness.compression.blocks import read_tensors
from harness.compression.calibration import CalibrationSource
from harness.compression.driver import compress
from harness.compression.job import PARTIAL
from harness.compression.pieces import Piece, write_json
from harness.compression.token_weights import STAGE
from harness.contract import Compressor
from harness.errors import HarnessError, ModelError, UsageError

CUT_BLOCKS, CUT_VOCABULARY = 2, 256
LEAST_SEQUENCES = 16  # with fewer, costs that do not grow with the tokens would weigh too much


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

    def block_seconds(self, blocks: int, tokens: float = 1.0) -> float:
        """Of one block of the `blocks` that there were, with so many times the tokens."""
        return self.measuring / blocks + self.compressing + (self.passing + self.guiding / blocks) * tokens


def refuse_whole(compressor: Compressor) -> None:
    """Raises UsageError if it hands the whole model to a library, so that one block says nothing."""
    if compressor.whole_model:
        raise UsageError(f"{type(compressor).__name__} takes the whole model: nothing to estimate from one block")


def sequences_for(wanted: CalibrationSource, length: int, widest: int) -> int:
    """As many of `length` tokens as a Linear of `widest` columns needs."""
    return min(wanted.sequences, max(LEAST_SEQUENCES, math.ceil(widest / length) + 1))


def random_tokens(wanted: CalibrationSource, vocabulary: int) -> CalibrationSource:
    """The same on random tokens."""
    generator = torch.Generator().manual_seed(wanted.seed)
    tokens = torch.randint(vocabulary, (wanted.sequences, wanted.length), generator=generator).tolist()
    return wanted.model_copy(update={"tokens": tuple(map(tuple, tokens))})


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


def run_here(scratch: Path, compressor: Compressor, wanted: CalibrationSource, device: str = "cpu") -> DryRun:
    """Of the model in `scratch`/model. Its peak of memory is this process's. Raises what compressing would raise."""
    dry = DryRun(imports=_peak_memory())
    watch = _Stopwatch()
    out = scratch / "artefact"
    with _cache_in(scratch / "cache"), suppress(_FirstBlockDone):
        compress(scratch / "model", compressor, wanted, out, device=device, progress=watch)
    piece = Piece.model_validate_json((out / PARTIAL / "block-00000.json").read_bytes())
    dry.compressing = sum(entry.seconds for entry in piece.linears.values())
    dry.passing = max(0.0, watch.seconds.pop("blocks") - dry.compressing)
    watch.seconds.pop("calibration", None)
    dry.guiding = watch.seconds.pop(STAGE, 0.0)
    dry.measuring = sum(watch.seconds.values())
    dry.memory = _peak_memory()
    if device.startswith("cuda"):
        dry.device_memory = torch.cuda.max_memory_allocated(device)
    return dry


def run_apart(scratch: Path, compressor: Compressor, wanted: CalibrationSource, device: str = "cpu") -> DryRun:
    """The same in a process of its own, so that the peak of memory is the dry run's. Raises ModelError if that dies."""
    context = multiprocessing.get_context("spawn")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(send, scratch, compressor, wanted, device))
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


def _child(send: Any, scratch: Path, compressor: Compressor, wanted: CalibrationSource, device: str) -> None:
    try:
        dry = run_here(scratch, compressor, wanted, device)
    except HarnessError as error:
        dry = DryRun(error=error)
    send.send(dry)


@contextmanager
def _cache_in(folder: Path) -> Iterator[None]:
    """The shared cache lies there meanwhile."""
    before = os.environ.get("HARNESS_CACHE")
    os.environ["HARNESS_CACHE"] = str(folder)
    try:
        yield
    finally:
        del os.environ["HARNESS_CACHE"]
        if before is not None:
            os.environ["HARNESS_CACHE"] = before


def _peak_memory() -> int:
    """Peak resident bytes of this process so far (on Linux since exec, so without the parent's)."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return next(1024 * int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


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
