"""Whether an export is what it claims: it is loaded with stock transformers, and has to compute what the artefact does."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

import torch
from transformers import PreTrainedModel

import harness.checkpoints.quantizer  # noqa: F401  (registers the packed format)
from harness.checkpoints.checkpoint import open_checkpoint
from harness.checkpoints.hub import one_line
from harness.checkpoints.loading_report import faulty_weights
from harness.checkpoints.pretrained import load_model
from harness.compression.architecture import check_weights
from harness.errors import ModelError
from harness.models.load import quiet_transformers

TOKENS = 16
LIMITS = {torch.float32: 0.01, torch.bfloat16: 0.1}  # relative error of the logits, by the dtype of the adapter


def check_dense(out: Path) -> None:
    """Whether every weight of the architecture is there in its shape. Nothing is read but headers.

    Raises:
        ModelError: it is not; the export is deleted.
    """
    try:
        check_weights(open_checkpoint(out))
    except ModelError as error:
        shutil.rmtree(out)
        raise ModelError(f"the export does not load back: {error.cause}", error.remedy) from error


def check_packed(artefact: Path, out: Path, adapter: Path | None, adapter_dtype: torch.dtype) -> str | None:
    """Load an export and its adapter in float32 and compare logits with the artefact's; why not, if it cannot be done.

    Raises:
        ModelError: it does not load, or computes something else; the export is deleted.
    """
    wanted = ["compressed_tensors", *(["peft"] if adapter else [])]
    if absent := [library for library in wanted if find_spec(library) is None]:
        return f"{absent[0]} is not installed"
    try:
        with quiet_transformers():
            fault = _difference(artefact, out, adapter, LIMITS.get(adapter_dtype, 0.1))
    except (MemoryError, torch.OutOfMemoryError):
        return "the memory does not hold it in float32"
    except ModelError:
        raise
    except Exception as error:  # what stock transformers raises for a folder it does not understand
        fault = one_line(error)
    if fault is None:
        return None
    shutil.rmtree(out)
    raise ModelError(f"a compressed-tensors export of {artefact} does not load back: {fault}", "use the dense export")


def _difference(artefact: Path, out: Path, adapter: Path | None, limit: float) -> str | None:
    model, report = load_model(out, dtype=torch.float32, output_loading_info=True)
    if fault := faulty_weights(report):
        return fault
    _logits(model)  # compressed-tensors unpacks at the first forward pass; PEFT needs weights to wrap
    if adapter:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, str(adapter))
    exported = _logits(model)
    del model
    original = _logits(load_model(artefact, dtype=torch.float32, cache=False, verify=False))
    error = float((exported - original).norm() / original.norm())
    return None if error <= limit else f"its logits are off by {error:.2g} of their norm"


@torch.no_grad()
def _logits(model: PreTrainedModel) -> torch.Tensor:
    """(1, TOKENS, vocabulary) for the first tokens of the vocabulary."""
    vocabulary = model.get_input_embeddings().weight.shape[0]
    found: torch.Tensor = model(input_ids=torch.arange(TOKENS)[None] % vocabulary, use_cache=False).logits
    return found.float()
