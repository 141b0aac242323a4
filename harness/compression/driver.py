"""Compress a model one decoder block at a time, resumably.

Order of events: a compressor that measures gets its table and plans from it; every input group is written as a piece
under `partial/` as soon as it is done; a finished block becomes one shard of the artefact, and its pieces are deleted;
after the last block come the tensors outside the blocks, the index, config.json, the manifest and, last of all, the
completion marker. A killed run repeats at most the measurements or the group in flight.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

from harness.checkpoints.checkpoint import ARTEFACT_TYPE, open_checkpoint
from harness.checkpoints.digest import model_digest
from harness.checkpoints.manifest import (
    MARKER,
    LinearEntry,
    Manifest,
    Summary,
    linear_bits,
    read_manifest,
    summary,
    verify,
)
from harness.checkpoints.shape import shape_of
from harness.checkpoints.shards import remote_model, streaming
from harness.compression.architecture import check_architecture
from harness.compression.assembly import complete, copy_companions, write_config, write_index, write_outside
from harness.compression.calibrated import CalibratedBlocks
from harness.compression.calibration import CalibrationSource, calibration_digest, read_calibration
from harness.compression.heap import tidy_heap, trim_heap
from harness.compression.input_groups import InputGroupJob
from harness.compression.job import PARTIAL, Job, code_record, compressor_record
from harness.compression.library_models import compress_with_library
from harness.compression.measurements import measured
from harness.compression.pieces import Piece, lock_folder, write_json
from harness.compression.stopwatch import Stopwatch
from harness.compression.token_weights import token_weights
from harness.contract import Compressor, Decisions, Record
from harness.contract.compression import Calibration, Progress, check_plan
from harness.errors import ModelError, PluginError
from harness.store.files import read_json
from harness.store.hashing import key_of

MEASUREMENTS = "measurements.json"  # kept with the artefact: what its plan was solved from


class CompressionResult(Record):
    """What one call did. `resumed` counts the Linears that an earlier run had finished."""

    folder: Path
    size: Summary
    seconds: float
    resumed: int
    dead_columns: int
    calibration_tokens: int | None


def compress(
    source: Path,
    compressor: Compressor,
    calibration: CalibrationSource,
    out: Path,
    *,
    device: str = "cpu",
    progress: Progress | None = None,
) -> CompressionResult:
    """Write the artefact of `source` under `compressor` to the folder `out`; call again after a kill to resume.

    Raises:
        UsageError: the calibration asks for scores, and there are none.
        ModelError: the source cannot be compressed, the calibration is too short, `out` holds something else, is in
            use by another process or cannot be written.
        PluginError: the compressor's plan or result contradicts the contract.
    """
    begun = time.monotonic()
    out = Path(out)
    checkpoint = open_checkpoint(Path(source))
    shape = shape_of(checkpoint)
    decisions = check_plan(compressor.plan(shape), shape)
    job = Job(checkpoint, shape, compressor, decisions, calibration, out, device, progress or _silent)
    calibration.check_scores(job.calibrated)
    if not (out / MARKER).is_file():
        check_architecture(checkpoint, shape, job.candidates if job.calibrated else ())
    with lock_folder(out), streaming(checkpoint.folder):
        resumed = _ensure(job)
    manifest = read_manifest(out)
    return CompressionResult(
        folder=out,
        size=summary(out),
        seconds=time.monotonic() - begun,
        resumed=resumed,
        dead_columns=sum(entry.dead_columns for entry in manifest.linears.values()),
        calibration_tokens=manifest.calibration["tokens"] if manifest.calibration else None,
    )


def _silent(stage: str, done: int, total: int) -> None:
    """No progress display."""


def _ensure(job: Job) -> int:
    """Complete the artefact; returns the number of Linears that were already done."""
    run = job.fingerprint()
    if (job.out / MARKER).is_file():
        return _finished(job, run)
    _claim(job, run)
    watch = Stopwatch(job.partial / "seconds.json")
    calibration = _calibration(job)
    trim_heap()  # of the model that may have written it
    watch.keep()
    with tidy_heap(sum(tensor.bytes for tensor in job.checkpoint.tensors.values())):
        return _compressed(job, run, calibration, watch)


def _compressed(job: Job, run: str, calibration: Calibration | None, watch: Stopwatch) -> int:
    """Make the artefact from this calibration; returns the number of Linears that were already done."""
    pieces_run = run
    if job.compressor.measures:
        job = replace(job, decisions=_measured_plan(job, calibration))
        pieces_run = key_of([run, job.plan_record()])
        watch.keep()
    work = InputGroupJob(job.checkpoint, job.compressor, job.decisions, job.out, job.partial, pieces_run)
    if job.compressor.whole_model:
        if remote_model(job.checkpoint.folder):
            raise ModelError(f"{type(job.compressor).__name__} needs the whole model on the disk", "download it first")
        sequences = calibration.sequences if calibration else []
        linears, foreign, tensors = (
            {},
            *compress_with_library(job.checkpoint, job.shape, job.compressor, sequences, job.out, job.partial),
        )
    else:
        pieces = _blocks(job, work, calibration, watch)
        pieces += write_outside(job.checkpoint, job.out, job.partial, pieces_run)
        linears = {name: entry for piece in pieces for name, entry in piece.linears.items()}
        foreign, tensors = {}, {name: digest for piece in pieces for name, digest in piece.tensors.items()}
        write_config(job.checkpoint, job.out, linears)
        write_index(job.out)
    copy_companions(job.checkpoint, job.out)
    if job.fingerprint() != run:
        raise ModelError(f"{job.checkpoint.folder} changed while it was compressed", f"delete {job.out} and run again")
    complete(job.out, _manifest(job, run, calibration, linears, foreign, tensors, watch.seconds))
    shutil.rmtree(job.partial)
    return work.resumed


def _finished(job: Job, run: str) -> int:
    """The number of Linears of the finished artefact in `out`, if it is this one with all its files, whatever code made
    it."""
    try:
        manifest = read_manifest(job.out)
        if manifest.run == run:
            verify(job.out, content=False)
    except ModelError as error:
        raise ModelError(error.cause, f"delete {job.out} and run again") from error
    if manifest.run != run:
        raise ModelError(f"{job.out} holds an artefact made with other settings", "choose another folder or delete it")
    return len(manifest.linears) + len(manifest.foreign)


def _claim(job: Job, run: str) -> None:
    """Claim `out`. A folder that holds anything else is refused, and so is one that other code began."""
    claim = job.partial / "run.json"
    wanted = {"run": run, "code": code_record(job.compressor)}
    if claim.is_file():
        begun = read_json(claim)
        if not isinstance(begun, dict) or begun.get("run") != run:
            raise ModelError(
                f"{job.out} holds an unfinished run with other settings", "choose another folder or delete it"
            )
        if begun != wanted:
            cause = f"{job.out} holds an unfinished run of another version of the code"
            raise ModelError(cause, "finish it with that version, or delete it and run again")
        return
    strangers = sorted(entry.name for entry in job.out.iterdir() if entry.name not in (".lock", PARTIAL))
    if strangers:
        raise ModelError(f"{job.out} is not empty: {strangers[0]}", "choose a new folder")
    job.partial.mkdir(exist_ok=True)
    write_json(claim, wanted)
    write_json(job.out / "config.json", {"model_type": ARTEFACT_TYPE})  # whoever loads it too early gets this error


def _calibration(job: Job) -> Calibration | None:
    """The token sequences, read or sampled once per run and kept for a resumed one."""
    if not job.calibrated:
        return None
    kept = job.partial / "calibration.json"
    if kept.is_file():
        calibration = Calibration(**read_json(kept))
    else:
        job.progress("calibration", 0, 1)
        calibration = read_calibration(
            job.wanted, job.checkpoint.folder, job.device, partial(job.progress, "calibration")
        )
        job.progress("calibration", 1, 1)
    widest = max(job.candidates, key=lambda linear: linear.columns)
    if calibration.tokens < widest.columns:
        mean = calibration.tokens / max(1, len(calibration.sequences))
        raise ModelError(
            f"calibration holds {calibration.tokens} tokens, but {widest.name} has {widest.columns} columns",
            f"give at least {widest.columns} tokens: about {-(-widest.columns // max(1, int(mean)))} such sequences",
        )
    write_json(kept, {"sequences": calibration.sequences, "weights": calibration.weights})
    return calibration


def _measured_plan(job: Job, calibration: Calibration | None) -> Decisions:
    """What the compressor decides from its measurements, which stay with the artefact."""
    if calibration is None:
        raise PluginError(f"{type(job.compressor).__name__} measures, but is not calibrated", "a bug in the compressor")
    table = measured(job.compressor, job.checkpoint.folder, calibration, job.device, job.progress)
    write_json(job.out / MEASUREMENTS, table)
    return check_plan(job.compressor.plan(job.shape, table), job.shape)


def _blocks(job: Job, work: InputGroupJob, calibration: Calibration | None, watch: Stopwatch) -> list[Piece]:
    """Compress every block in turn, one shard each. Blocks after the last compressed Linear need no calibration."""
    wanted = job.wanted
    calibrated = None
    if calibration:
        guided = job.compressor.guided
        calibrated = CalibratedBlocks(
            job.checkpoint,
            job.device,
            calibration,
            sequential=wanted.sequential,
            refit=wanted.refit,
            guide=token_weights(job.checkpoint, calibration, job.device, job.progress) if guided else None,
        )
    last = max((linear.block for linear in job.todo), default=-1)
    pieces = []
    for block in range(job.shape.blocks):
        linears = [linear for linear in job.todo if linear.block == block]
        if calibrated is None or block > last:
            pieces.append(work.block(block) or work.uncalibrated_block(block, linears))
        else:
            pieces.append(calibrated.compress(block, linears, work, last=block == last))
        watch.keep()
        trim_heap()
        job.progress("blocks", block + 1, job.shape.blocks)
    return pieces


def _manifest(
    job: Job,
    run: str,
    calibration: Calibration | None,
    linears: dict[str, LinearEntry],
    foreign: dict[str, int],
    tensors: dict[str, str],
    seconds: float,
) -> Manifest:
    kept = [linear for linear in job.shape.linears if linear.name not in linears and linear.name not in foreign]
    written = open_checkpoint(job.out)
    stored = sum(entry.bits for entry in linears.values()) + sum(foreign.values())
    described = None
    if calibration:
        counts = {"tokens": calibration.tokens, "digest": calibration_digest(calibration)}
        described = {**job.wanted.model_dump(mode="json", exclude={"texts", "tokens"}), **counts}
        described["sequences"] = len(calibration.sequences)
    return Manifest(
        run=run,
        source=model_digest(job.checkpoint.folder),
        compressor=compressor_record(job.compressor),
        calibration=described,
        blocks=job.shape.blocks,
        weights=job.shape.weights,
        stored_bits=stored + sum(linear_bits(written, linear.name) for linear in kept),
        kept=tuple(linear.name for linear in kept),
        linears=linears,
        foreign=foreign,
        tensors=tensors,
        seconds=seconds,
    )
