"""From one artefact of a model to another without loading it anew: the Linears in which they differ change places.

The masks of a sensitivity screen differ in some blocks. What a fresh load costs besides (a process, imports, the tokenizer,
every digest) is paid once. The result is bit for bit what a fresh load would give, and what is read is checked as there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import nn

from harness.checkpoints.blocked import in_blocks
from harness.checkpoints.checkpoint import Checkpoint, open_checkpoint
from harness.checkpoints.manifest import MARKER, Manifest, read_manifest, verify
from harness.checkpoints.packed_linear import QLRLinear
from harness.checkpoints.quantizer import find_linear
from harness.checkpoints.shape import lenders
from harness.errors import ModelError
from harness.models.batch_probe import batch_dependence
from harness.models.load import LoadedModel, quiet_transformers

Parts = dict[str, dict[str, str]]  # owner of tensors -> suffix -> sha256


def swapped(loaded: LoadedModel, folder: Path) -> LoadedModel | None:
    """The artefact in `folder`, in the modules of `loaded`, which is used up; None where it has to be loaded.

    Raises:
        ModelError: the artefact is partial or altered.
    """
    if not ((loaded.folder / MARKER).is_file() and (folder / MARKER).is_file()):
        return None
    before, after = read_manifest(loaded.folder), verify(folder, content=False)
    old, new = _parts(before), _parts(after)
    linears = {*after.linears, *after.kept}
    alike = before.source == after.source and linears == {*before.linears, *before.kept}
    if not alike or any(old.get(name) != new.get(name) for name in old.keys() | new.keys() if name not in linears):
        return None
    checkpoint = open_checkpoint(folder)
    if checkpoint.transposed or before.foreign or after.foreign:
        return None
    changed = {name for name in linears if old[name] != new[name] or _form(before, name) != _form(after, name)}
    borrowed = lenders({name: entry.decision for name, entry in after.linears.items()})
    changed |= {
        name for name, lender in borrowed.items() if lender in changed
    }  # it may hold a product with the former R
    for name in sorted(changed):
        owner, leaf, former = find_linear(loaded.model, name)
        setattr(owner, leaf, _made(name, former, after, _read(checkpoint, name, new[name]), loaded))
    for name, lender in borrowed.items():
        find_linear(loaded.model, name)[2].lender = (find_linear(loaded.model, lender)[2],)
    with quiet_transformers():
        alone = batch_dependence(loaded.model, loaded.context, loaded.tokenizer.pad_token_id)
    return replace(loaded, folder=folder, alone=alone)


def _parts(manifest: Manifest) -> Parts:
    """Biases belong to no Linear: they are the source's in every artefact."""
    found: Parts = {}
    for tensor, digest in manifest.tensors.items():
        owner, _, suffix = tensor.rpartition(".")
        found.setdefault(tensor if suffix == "bias" else owner, {})[suffix] = digest
    return found


def _form(manifest: Manifest, name: str) -> Any:
    entry = manifest.linears.get(name)
    return entry and (entry.decision, entry.seed)


def _read(checkpoint: Checkpoint, name: str, digests: Mapping[str, str]) -> dict[str, torch.Tensor]:
    """Suffix -> tensor of one Linear, its bias excepted."""
    found = {}
    for suffix, digest in digests.items():
        stored = checkpoint.tensors[f"{name}.{suffix}"]
        if stored.sha256() != digest:
            cause = f"{checkpoint.folder}: tensor {stored.name} was altered after compression"
            raise ModelError(cause, "write or fetch the artefact again")
        with safe_open(stored.file, framework="pt") as stream:
            found[suffix] = stream.get_tensor(stored.name)
    return found


def _made(
    name: str, former: Any, manifest: Manifest, tensors: Mapping[str, torch.Tensor], loaded: LoadedModel
) -> nn.Module:
    """The Linear as loading would have made it, on the former one's bias."""
    rows, columns, bias = former.out_features, former.in_features, former.bias
    if entry := manifest.linears.get(name):
        packed = QLRLinear(entry.decision, rows, columns, bias=bias is not None, seed=entry.seed)
        for suffix, tensor in tensors.items():
            packed.register_buffer(suffix, tensor.to(loaded.device))
        packed.bias = bias
        return packed.eval()
    with torch.device("meta"):
        plain = nn.Linear(columns, rows, bias=bias is not None)
    plain.weight = nn.Parameter(tensors["weight"].to(loaded.device, loaded.dtype), requires_grad=False)
    plain.bias = bias
    return in_blocks(plain).eval()
