"""Artefacts for tools that do not know ours: a dense model, or a compressed-tensors base with a LoRA adapter.

Q + L·R is a quantized base model plus a low-rank adapter: y = Q x + B (A x) with A = R and B = L at scale 1. Our packed
codes are, up to the padding of each row to 32 bits, the bit stream that compressed-tensors calls "pack-quantized". Its grid
is mid-tread; a mid-rise code c of b bits stands for (2c + 1 − 2^b) · s/2, which is the mid-tread code 2c + 1 of b + 1 bits
at half the scale, so mid-rise artefacts export exactly, at one more bit a weight.

Those tools look for a Linear under its name in the model. A checkpoint may leave the base model's prefix out (Bloom's
`h.0` for `transformer.h.0`), which they would not find and leave at random, so the packed export writes the model's names.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from transformers import AutoConfig, PreTrainedModel

from harness.checkpoints.checkpoint import TRANSPOSED, Checkpoint, open_checkpoint
from harness.checkpoints.manifest import LinearEntry, Manifest, verify
from harness.checkpoints.packed_tensors import from_tensors, parts_of
from harness.checkpoints.packing import pack
from harness.checkpoints.pretrained import model_of
from harness.checkpoints.qlr import dense
from harness.checkpoints.quantizer import module_path
from harness.checkpoints.shape import input_group_of, lenders
from harness.compression.assembly import copy_companions, write_index
from harness.compression.export_check import check_dense, check_packed
from harness.compression.pieces import write_json, write_tensors
from harness.contract import Record
from harness.errors import ModelError, UsageError

Tensors = dict[str, torch.Tensor]

ADAPTER = "adapter"


class Exported(Record):
    """What an export wrote. `rank` is the adapter's, None if every Linear has rank 0 or no adapter was written.

    `unchecked` says why a packed export was not loaded back and compared, None if it was.
    `split` names the q, k, v and the gate, up that do not share one scheme, which servers that fuse them refuse.
    """

    folder: Path
    adapter: Path | None = None
    rank: int | None = None
    bits: dict[str, int] = {}  # Linear -> bits of its exported codes
    split: tuple[str, ...] = ()
    unchecked: str | None = None


def export_dense(artefact: Path, out: Path, dtype: torch.dtype = torch.bfloat16) -> Exported:
    """Write an ordinary model folder that stock transformers, vLLM or llama.cpp's converter loads.

    One shard is in memory at a time; every floating-point tensor is stored in `dtype`.
    """
    artefact, out = Path(artefact), Path(out)
    manifest, config = _open(artefact, out)
    transposed = config.get("model_type") in TRANSPOSED

    def convert(tensors: Tensors, linears: dict[str, LinearEntry]) -> Tensors:
        written = {name: tensor for name, tensor in tensors.items() if name.rpartition(".")[0] not in linears}
        lent_by = lenders({name: entry.decision for name, entry in linears.items()})
        for name, entry in linears.items():
            own = parts_of(tensors, name, lent_by.get(name))
            if "bias" in own:
                written[f"{name}.bias"] = own["bias"]
            weight = from_tensors(own, entry.decision, entry.rows, entry.columns, entry.seed).dequantize()
            written[f"{name}.weight"] = weight.T if transposed else weight
        return {name: tensor.to(dtype) if tensor.is_floating_point() else tensor for name, tensor in written.items()}

    _rewrite(artefact, out, manifest, convert)
    write_json(out / "config.json", {**config, "dtype": str(dtype).removeprefix("torch.")})
    check_dense(out)
    return Exported(folder=out)


def export_compressed_tensors(artefact: Path, out: Path, adapter_dtype: torch.dtype = torch.float32) -> Exported:
    """Write Q as a compressed-tensors model (pack-quantized) and L·R as a PEFT LoRA adapter in `out`/adapter.

    L and R are exact in float32; bfloat16 halves the adapter, and rounds them as a server that computes in it does
    anyway. Every adapter layer has the same rank, the largest in the artefact, padded with zeros, because servers size
    LoRA slots by one rank.

    The export is loaded with stock transformers and compared before it counts as done.

    Raises:
        ModelError: it does not load back, or computes something else.
        UsageError: the artefact uses what the formats cannot express: rotation, transposed layers, groups that do not divide
            the columns, or mid-rise codes of 8 bits.
    """
    artefact, out = Path(artefact), Path(out)
    manifest, config = _open(artefact, out, claim=False)
    for name, entry in manifest.linears.items():
        _exportable(name, entry, config)
    model = _empty(config)
    paths = {name: module_path(model, name) for name in (*manifest.linears, *manifest.kept)}
    out.mkdir(parents=True, exist_ok=True)
    rank = max((entry.decision.rank for entry in manifest.linears.values()), default=0)
    adapter: Tensors = {}

    def convert(tensors: Tensors, linears: dict[str, LinearEntry]) -> Tensors:
        others = {name: tensor for name, tensor in tensors.items() if name.rpartition(".")[0] not in linears}
        written = {_tensor_path(model, name): tensor for name, tensor in others.items()}
        lent_by = lenders({name: entry.decision for name, entry in linears.items()})
        for name, entry in linears.items():
            own, path = parts_of(tensors, name, lent_by.get(name)), paths[name]
            if "bias" in own:
                written[f"{path}.bias"] = own["bias"]
            written.update({f"{path}.{key}": tensor for key, tensor in packed_base(own, entry).items()})
            if rank:
                factors = {key: factor.to(adapter_dtype) for key, factor in lora(own, entry, rank).items()}
                adapter.update({f"base_model.model.{path}.{key}": factor for key, factor in factors.items()})
        return written

    _rewrite(artefact, out, manifest, convert)
    bits = {name: exported_bits(entry) for name, entry in manifest.linears.items()}
    write_json(out / "config.json", {**config, "quantization_config": quantization_config(manifest, bits, paths)})
    split = split_schemes(manifest, bits)
    lora_folder = out / ADAPTER if rank else None
    if lora_folder:
        lora_folder.mkdir(exist_ok=True)
        write_tensors(lora_folder / "adapter_model.safetensors", adapter)
        targets = [paths[name] for name in manifest.linears]
        write_json(lora_folder / "adapter_config.json", adapter_config(out, targets, rank))
    unchecked = check_packed(artefact, out, lora_folder, adapter_dtype)
    return Exported(folder=out, adapter=lora_folder, rank=rank or None, bits=bits, split=split, unchecked=unchecked)


def exported_bits(entry: LinearEntry) -> int:
    return entry.decision.bits + (entry.decision.grid == "midrise")


def split_schemes(manifest: Manifest, bits: dict[str, int]) -> tuple[str, ...]:
    """The groups of Linears with one input whose members differ in bits or group size, or are packed only in part."""
    schemes: dict[str, set[tuple[int, int] | None]] = {}
    for name, entry in manifest.linears.items():
        schemes.setdefault(input_group_of(name), set()).add((bits[name], entry.decision.group))
    for name in manifest.kept:
        schemes.setdefault(input_group_of(name), set()).add(None)
    return tuple(group for group, found in schemes.items() if len(found) > 1)


def packed_base(own: Tensors, entry: LinearEntry) -> Tensors:
    """weight_packed (m, ⌈n·b/32⌉) int32, weight_scale (m, groups) and weight_shape of one Linear's Q."""
    q = from_tensors(own, entry.decision, entry.rows, entry.columns).q
    codes, scales, bits = q.codes, q.scales, exported_bits(entry)
    if entry.decision.grid == "midrise":
        codes, scales = codes * 2 + 1, (scales.float() / 2).to(scales.dtype)
    octets = pack(codes, bits)
    padding = -octets.shape[1] % 4
    words = torch.nn.functional.pad(octets, (0, padding)).view(torch.int32)  # (m, bytes) -> (m, bytes / 4)
    return {
        "weight_packed": words,
        "weight_scale": scales.expand(entry.rows, -1).contiguous(),
        "weight_shape": torch.tensor([entry.rows, entry.columns]),
    }


def lora(own: Tensors, entry: LinearEntry, rank: int) -> Tensors:
    """lora_A (rank, n) = R and lora_B (m, rank) = L, zero beyond the Linear's own rank."""
    qlr = from_tensors(own, entry.decision, entry.rows, entry.columns)
    a, b = torch.zeros(rank, entry.columns), torch.zeros(entry.rows, rank)
    if qlr.left is not None and qlr.right is not None:
        a[: entry.decision.rank] = dense(qlr.right)
        b[:, : entry.decision.rank] = dense(qlr.left).T
    return {"lora_A.weight": a, "lora_B.weight": b}


def quantization_config(manifest: Manifest, bits: dict[str, int], paths: dict[str, str]) -> dict[str, Any]:
    """The compressed-tensors scheme: one config group for each pair of bits and group size.

    `bits` and `paths` (names in the model) go by the Linears' names in the artefact.
    """
    schemes: dict[tuple[int, int], list[str]] = {}
    for name, entry in manifest.linears.items():
        schemes.setdefault((bits[name], entry.decision.group), []).append(paths[name])
    groups = {}
    for number, ((width, group), names) in enumerate(sorted(schemes.items())):
        weights = {"num_bits": width, "type": "int", "symmetric": True, "dynamic": False}
        strategy = {"strategy": "group", "group_size": group} if group else {"strategy": "channel"}
        groups[f"group_{number}"] = {"targets": names, "weights": {**weights, **strategy}, "format": "pack-quantized"}
    return {
        "quant_method": "compressed-tensors",
        "format": "pack-quantized",
        "quantization_status": "compressed",
        "config_groups": groups,
        "ignore": ["lm_head", *(paths[name] for name in manifest.kept)],
    }


def adapter_config(base: Path, names: list[str], rank: int) -> dict[str, Any]:
    return {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": str(base),
        "inference_mode": True,
        "r": rank,
        "lora_alpha": rank,  # scale alpha / r = 1
        "lora_dropout": 0.0,
        "bias": "none",
        "target_modules": names,
    }


def _open(artefact: Path, out: Path, *, claim: bool = True) -> tuple[Manifest, dict[str, Any]]:
    """(manifest, base configuration) of a verified artefact of ours; `out` must be free."""
    manifest = verify(artefact)
    if manifest.foreign:
        raise UsageError(f"{artefact} is in the format of {manifest.compressor['plugin']}", "load it with its library")
    if out.exists() and any(out.iterdir()):
        raise ModelError(f"{out} is not empty", "choose a new folder")
    if claim:
        out.mkdir(parents=True, exist_ok=True)
    return manifest, dict(open_checkpoint(artefact).config["base"])


def _rewrite(
    artefact: Path, out: Path, manifest: Manifest, convert: Callable[[Tensors, dict[str, LinearEntry]], Tensors]
) -> None:
    """Convert shard by shard; a Linear lies whole in one shard."""
    checkpoint: Checkpoint = open_checkpoint(artefact)
    for file in checkpoint.files:
        tensors = load_file(file)
        here = {name: entry for name, entry in manifest.linears.items() if f"{name}.q_codes" in tensors}
        write_tensors(out / file.name, convert(tensors, here))
    write_index(out)
    copy_companions(checkpoint, out)


def _empty(config: dict[str, Any]) -> PreTrainedModel:
    """The architecture without weights."""
    with torch.device("meta"):
        return model_of(AutoConfig.for_model(**config))


def _tensor_path(model: PreTrainedModel, name: str) -> str:
    """The model's own name of a tensor that is not packed."""
    owner, _, leaf = name.rpartition(".")
    try:
        return f"{module_path(model, owner)}.{leaf}"
    except ModelError:
        return name  # a tensor that the architecture does not use, such as a stored mask


def _exportable(name: str, entry: LinearEntry, config: dict[str, Any]) -> None:
    decision = entry.decision
    remedy = "use the dense export, or compress again"
    if decision.grid == "affine":
        raise UsageError(f"{name} has zero points, which are not exported packed", "use the dense export")
    if decision.rotate:
        raise UsageError(f"{name} is rotated, which compressed-tensors cannot express", f"{remedy} with rotate=false")
    if config.get("model_type") in TRANSPOSED:
        raise UsageError(f"{config['model_type']} stores transposed layers", "use the dense export")
    if decision.group and entry.columns % decision.group:
        raise UsageError(
            f"{name}: groups of {decision.group} do not divide {entry.columns} columns", f"{remedy} with a divisor"
        )
    if exported_bits(entry) > 8:
        raise UsageError(f"{name}: 8-bit mid-rise codes need 9 bits there", f'{remedy} with grid="midtread"')
