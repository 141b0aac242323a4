"""How much each calibration token counts where a compressor's Hessians are guided by the loss.

A Linear's error D moves its output at token t by D x_t. To second order, with independent coordinates of the output, the
loss changes by ½ Σ_t Σ_j g_tj² (d_j x_t)², g the gradient of the summed next-token loss there. With one weight for all
outputs, s_t = mean_j g_tj², that is ½ m tr(D H Dᵀ) with H the mean of s_t x_t x_tᵀ: GuidedQuant with one group
(arXiv 2505.07004, section 3). Deviation: Linears that share an input share their Hessian, so the mean goes over the outputs
of all of them.

The gradients are the original model's. They need a backward pass over all calibration tokens, so they are kept in the shared
cache: every bit width, method and budget has the same ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from safetensors import safe_open

from harness.checkpoints.checkpoint import Checkpoint
from harness.checkpoints.digest import model_digest
from harness.checkpoints.shape import input_groups, shape_of
from harness.compression.backward import squared_gradients
from harness.compression.blocks import Batch, BlockWalker
from harness.compression.calibration import calibration_digest
from harness.compression.pieces import write_json, write_tensors
from harness.contract import ModelShape
from harness.contract.compression import Calibration, Progress
from harness.errors import ModelError
from harness.store.cache import mark_used
from harness.store.code import arithmetic_versions, code_digest
from harness.store.files import read_json
from harness.store.hashing import key_of
from harness.store.locks import exclusive_lock
from harness.store.paths import cache_folder

STAGE = "token weights"
TOKENS_AT_ONCE = 16_384  # whose hidden states at every block are on the disk at a time
MADE = "made.json"  # written last: the file of each batch


class TokenWeights:
    """(input group, number of the batch) -> (B, T): what each position counts in the group's Hessian, 0 where padded."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: list[str] = read_json(folder / MADE)

    def __call__(self, group: str, batch: int) -> torch.Tensor:
        with safe_open(self.folder / self.files[batch], framework="pt") as stored:
            return stored.get_tensor(f"{batch}.{group}")


def token_weights(checkpoint: Checkpoint, calibration: Calibration, device: str, progress: Progress) -> TokenWeights:
    """Those of the batches that `BlockWalker.embed` makes of this calibration; a second process waits for the first.

    Raises:
        ModelError: a gradient is not finite, or the loss does not depend on what some Linears put out.
    """
    key = key_of(
        {
            "core": code_digest(__name__),
            "libraries": arithmetic_versions(),
            "model": model_digest(checkpoint.folder),
            "calibration": calibration_digest(calibration),
            "device": device.partition(":")[0],
        }
    )
    folder = cache_folder() / "token-weights" / key[:32]
    with exclusive_lock(folder):
        if not (folder / MADE).is_file():
            folder.mkdir(exist_ok=True)
            _make(folder, checkpoint, calibration, device, progress)
        mark_used(folder)
    return TokenWeights(folder)


def _make(folder: Path, checkpoint: Checkpoint, calibration: Calibration, device: str, progress: Progress) -> None:
    """One file for each lot of batches. A killed call goes on at the lot that it was at."""
    shape = shape_of(checkpoint)
    walker = BlockWalker(checkpoint, device)
    batches = walker.embed(calibration)
    files: list[str] = []
    totals: dict[str, float] = {}
    done = 0
    for number, lot in enumerate(_lots(batches)):
        file = folder / f"{number:05d}.safetensors"
        if not file.is_file():
            weights = _weights(walker, shape, [replace(batch) for batch in lot], folder)
            write_tensors(file, {f"{done + batch}.{group}": found for (batch, group), found in weights.items()})
        with safe_open(file, framework="pt") as stored:
            for name in stored.keys():  # noqa: SIM118  (no mapping)
                group = name.partition(".")[2]
                totals[group] = totals.get(group, 0.0) + float(stored.get_tensor(name).sum(dtype=torch.float64))
        files += [file.name] * len(lot)
        done += len(lot)
        progress(STAGE, done, len(batches))
    if odd := [group for group, total in totals.items() if not 0 < total < float("inf")]:
        raise ModelError(
            f"{checkpoint.folder}: the gradient of the loss at {odd[0]} is zero or not finite on the calibration text",
            "use plain Hessians, or other text",
        )
    write_json(folder / MADE, files)


def _lots(batches: Sequence[Batch]) -> Iterator[list[Batch]]:
    """Neighbouring batches of at most TOKENS_AT_ONCE positions together, or one larger one."""
    lot: list[Batch] = []
    for batch in batches:
        if lot and sum(one.tokens.numel() for one in [*lot, batch]) > TOKENS_AT_ONCE:
            yield lot
            lot = []
        lot.append(batch)
    if lot:
        yield lot


def _weights(
    walker: BlockWalker, shape: ModelShape, lot: Sequence[Batch], scratch: Path
) -> dict[tuple[int, str], torch.Tensor]:
    """(number of the batch in the lot, input group) -> (B, T) s_t times the calibration's own weight."""
    found: dict[tuple[int, str], torch.Tensor] = {}
    groups = dict(input_groups(shape.linears))
    for number, squares in squared_gradients(walker, shape, lot, scratch):
        for group, members in groups.items():
            if members[0].name in squares:
                total = torch.stack([squares[linear.name] for linear in members]).sum(dim=0)
                outputs = sum(linear.rows for linear in members)
                found[number, group] = lot[number].weights * total / outputs
    return found
