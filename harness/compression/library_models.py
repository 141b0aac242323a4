"""Artefacts in another library's format: what a whole-model compressor wrote, counted and completed like our own."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from harness.checkpoints.checkpoint import Checkpoint, open_checkpoint
from harness.checkpoints.manifest import linear_bits
from harness.checkpoints.shape import WEIGHT_DTYPES
from harness.contract import Compressor, ModelShape
from harness.errors import PluginError


def compress_with_library(
    source: Checkpoint,
    shape: ModelShape,
    compressor: Compressor,
    sequences: Sequence[Sequence[int]],
    out: Path,
    partial: Path,
) -> tuple[dict[str, int], dict[str, str]]:
    """Let the compressor write its folder, move it to `out`, and count: (replaced Linear -> stored bits, tensor ->
    sha256).

    Raises:
        PluginError: the folder is not loadable or lacks a Linear of the model.
    """
    folder = partial / "model"
    shutil.rmtree(folder, ignore_errors=True)  # of a run that was killed
    compressor.compress_model(source.folder, sequences, folder)
    for file in list(folder.iterdir()):
        file.replace(out / file.name)
    folder.rmdir()
    written = open_checkpoint(out)
    foreign: dict[str, int] = {}
    for linear in shape.linears:
        weight = written.tensors.get(f"{linear.name}.weight")
        if weight and weight.dtype in WEIGHT_DTYPES and weight.shape == source.tensors[f"{linear.name}.weight"].shape:
            continue  # left as it was
        foreign[linear.name] = linear_bits(written, linear.name)
        if not foreign[linear.name]:
            raise PluginError(f"the compressor's folder stores nothing for {linear.name}", "a bug in the compressor")
    return foreign, {name: tensor.sha256() for name, tensor in written.tensors.items()}
