"""A folder that some library has quantized, as an arm: its bits counted from its files before anything runs.

Counted are all tensors that belong to a Linear of the decoder blocks: codes, scales, zero points, permutations, shapes. A
folder in which some tensor belongs to none of them, or some Linear has none, is refused: its bits cannot be told.
"""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.checkpoints.checkpoint import ARTEFACT_TYPE, BLOCK, Checkpoint, open_checkpoint
from harness.checkpoints.manifest import linear_bits
from harness.checkpoints.shape import WEIGHT_DTYPES
from harness.contract import Compressor, Decision, Decisions, LinearShape, ModelShape
from harness.errors import UsageError
from harness_plugins.compressors.libraries.params import ReadyParams

LOADERS = {  # quant_method of config.json -> what transformers imports to load it
    "compressed-tensors": ("compressed_tensors",),
    "gptq": ("optimum", "gptqmodel"),
    "awq": ("gptqmodel",),
    "auto-round": ("auto_round",),
    "bitsandbytes": ("bitsandbytes",),
    "hqq": ("hqq",),
    "quanto": ("optimum.quanto",),
    "torchao": ("torchao",),
}


class Ready(Compressor):
    calibrated = False
    whole_model = True
    params: ReadyParams

    def plan(self, shape: ModelShape, measurements: Any = None) -> Decisions:
        """Decisions of about the size that each Linear takes; what it takes exactly is counted when it is copied."""
        if not self.params.path:
            raise UsageError("no quantized folder is named", "say which: quantized@PATH")
        checkpoint = open_checkpoint(Path(self.params.path).expanduser())
        refuse_unloadable(checkpoint)
        refuse_uncountable(checkpoint, shape)
        return {linear.name: _about(checkpoint, linear) for linear in shape.linears}

    def compress_model(self, source: Path, calibration: Sequence[Sequence[int]], out: Path) -> None:
        checkpoint = open_checkpoint(Path(self.params.path).expanduser())
        out.mkdir()
        for file in (*checkpoint.folder.glob("*.json"), *checkpoint.files):
            shutil.copyfile(file, out / file.name)


def refuse_unloadable(checkpoint: Checkpoint) -> None:
    """Raises UsageError: it is not quantized, it is ours, or a package that loads it is missing."""
    folder, method = checkpoint.folder, (checkpoint.config.get("quantization_config") or {}).get("quant_method")
    if checkpoint.model_type == ARTEFACT_TYPE:
        raise UsageError(f"{folder} was made by `harness compress`", "name its compressor instead")
    if not method:
        raise UsageError(f"{folder} holds no quantized model: its config.json has no quantization_config")
    for package in LOADERS.get(str(method), ()):
        root = package.partition(".")[0]
        if not importlib.util.find_spec(root) or not importlib.util.find_spec(package):
            raise UsageError(f"{folder} is in the format of {method}, which needs {package}", f"pip install {root}")


def refuse_uncountable(checkpoint: Checkpoint, shape: ModelShape) -> None:
    """Raises UsageError, naming a tensor or a Linear."""
    folder = checkpoint.folder
    owners = {linear.name for linear in shape.linears}
    for name, tensor in checkpoint.tensors.items():
        inside, plain = BLOCK.match(name), len(tensor.shape) <= 1 and tensor.dtype in WEIGHT_DTYPES  # a norm, a bias
        if inside and not plain and not _parents(name) & owners:
            cause = f"the bits of {folder} cannot be counted: {name} belongs to no Linear of the model"
            raise UsageError(cause, "it is of another model, or its format joins Linears")
    for linear in shape.linears:
        weight = checkpoint.tensors.get(f"{linear.name}.weight")
        if not linear_bits(checkpoint, linear.name):
            raise UsageError(f"the bits of {folder} cannot be counted: it stores nothing for {linear.name}")
        if weight and weight.dtype in WEIGHT_DTYPES and set(weight.shape) != {linear.rows, linear.columns}:
            raise UsageError(f"{folder} is of another model: {weight.name} is {weight.shape}")


def _parents(name: str) -> set[str]:
    parts = name.split(".")
    return {".".join(parts[:count]) for count in range(1, len(parts))}


def _about(checkpoint: Checkpoint, linear: LinearShape) -> Decision:
    """Whole bits, and groups whose scales make up for the rest."""
    weight = checkpoint.tensors.get(f"{linear.name}.weight")
    each = linear_bits(checkpoint, linear.name) / (linear.rows * linear.columns)
    if (weight and weight.dtype in WEIGHT_DTYPES) or each >= 16:
        return Decision(bits=16)
    whole = max(1, int(each))
    groups = round((each - whole) * linear.columns / 16)
    return Decision(bits=whole, group=-(-linear.columns // groups) if groups else 0)
