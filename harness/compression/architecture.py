"""What transformers makes of a model folder, asked without reading a weight: it is built empty and compared.

Planning goes by the names and shapes of tensors, because it runs without torch. Here, before any work, the model's own
classes have the last word: which weights it needs, which modules are Linears, and where its decoder blocks are.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import torch
from accelerate import init_empty_weights
from torch import nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from harness.checkpoints.checkpoint import Checkpoint
from harness.checkpoints.hub import one_line
from harness.checkpoints.loading_report import faulty_weights
from harness.checkpoints.pretrained import load_config, model_of, model_with
from harness.checkpoints.quantizer import find_linear, module_path
from harness.checkpoints.shape import uncalibratable
from harness.contract import LinearShape, ModelShape
from harness.errors import ModelError
from harness.models.load import quiet_transformers


def check_architecture(checkpoint: Checkpoint, shape: ModelShape, calibrated: Sequence[LinearShape] = ()) -> None:
    """Compare a checkpoint and the Linears planned from it with the model that transformers would build.

    Raises:
        ModelError: transformers does not know the architecture, a weight is missing or misshapen, what was planned as a
            Linear is none, or the forward pass never calls one of `calibrated`, so that nothing enters it.
    """
    model = check_weights(checkpoint)
    module_path(model, checkpoint.stack)
    wanted = Conv1D if checkpoint.transposed else nn.Linear
    for linear in shape.linears:
        module = find_linear(model, linear.name)[2]
        if not isinstance(module, wanted):
            raise ModelError(
                f"{linear.name} of {checkpoint.folder} ({checkpoint.model_type}) is a {type(module).__name__}, not a "
                f"{wanted.__name__}",
                "models of this architecture cannot be compressed",
            )
    if never := _never_called(model, [linear.name for linear in calibrated]):
        raise uncalibratable(str(checkpoint.folder), never[0])


def check_weights(checkpoint: Checkpoint) -> PreTrainedModel:
    """The model on the meta device, if the checkpoint has all its weights.

    Raises:
        ModelError: transformers does not know the architecture, or a weight is missing or misshapen.
    """
    model, report = _loaded_on_meta(checkpoint)
    if fault := faulty_weights(report, f"of the model in {checkpoint.folder}"):
        raise ModelError(fault, "fetch the model again")
    return model


def _never_called(model: PreTrainedModel, names: Sequence[str]) -> list[str]:
    """Those of the Linears that a forward pass over shapes alone does not call."""
    missed = dict.fromkeys(names)
    with ExitStack() as stack:
        for name in names:
            hook = find_linear(model, name)[2].register_forward_pre_hook(lambda *_, name=name: missed.pop(name, None))
            stack.callback(hook.remove)
        try:
            model(input_ids=torch.zeros(1, 8, dtype=torch.long, device="meta"), use_cache=False)
        except Exception:  # it looks at values, which are not there: what it calls shows when it runs
            return []
    return list(missed)


def empty_model(checkpoint: Checkpoint) -> PreTrainedModel:
    """The architecture in float32 and eval mode: parameters on the meta device, buffers as its constructors fill them."""
    config = load_config(checkpoint.folder)
    with init_empty_weights(include_buffers=False):
        model = model_of(config, dtype=torch.float32)
    return model.eval()


def _loaded_on_meta(checkpoint: Checkpoint) -> tuple[PreTrainedModel, dict[str, Any]]:
    """(the model, its loading report), as if the stored tensors had been loaded; only names and shapes are used."""
    tensors = {
        name: torch.empty(tensor.shape, device="meta", dtype=torch.float32)
        for name, tensor in checkpoint.tensors.items()
    }
    try:
        with quiet_transformers():
            found = model_with(
                load_config(checkpoint.folder),
                tensors,
                device_map={"": "meta"},
                dtype=torch.float32,
                ignore_mismatched_sizes=True,
            )
    except Exception as error:  # a config that contradicts itself raises anything
        raise ModelError(f"transformers cannot build the model in {checkpoint.folder}: {one_line(error)}") from error
    if found is None:
        raise ModelError(
            f"{checkpoint.folder} ({checkpoint.model_type}) is no causal language model that transformers knows"
        )
    return found
