"""A quantized folder as it lies there: loaded by transformers, its bits counted, or refused with the tensor's name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from harness.checkpoints.shape import read_shape
from harness.compression.calibration import CalibrationSource
from harness.compression.driver import compress
from harness.errors import ModelError, UsageError
from harness.models.load import load
from harness.planning.sizes import stored_bits
from harness_plugins.compressors.libraries.params import ReadyParams
from harness_plugins.compressors.libraries.ready import Ready

NAME = "model.layers.1.mlp.up_proj"


@pytest.fixture(scope="module")
def folder(quantized_qwen2: Path) -> Path:
    return quantized_qwen2


def test_none_named_is_refused(tiny_qwen2: Path) -> None:
    with pytest.raises(UsageError, match="no quantized folder is named"):
        Ready(ReadyParams()).plan(read_shape(tiny_qwen2))


def ready(folder: Path) -> Ready:
    return Ready(ReadyParams.model_validate({"path": str(folder)}))


def changed(folder: Path, out: Path, change: Callable[[dict[str, torch.Tensor], dict], None]) -> Path:
    """A copy of the folder in one file, after `change` of its tensors and its config."""
    tensors = {name: one for file in sorted(folder.glob("*.safetensors")) for name, one in load_file(file).items()}
    config = json.loads((folder / "config.json").read_text())
    change(tensors, config)
    out.mkdir()
    save_file(tensors, out / "model.safetensors", metadata={"format": "pt"})
    (out / "config.json").write_text(json.dumps(config))
    return out


@torch.no_grad()
def test_it_is_an_arm_with_its_bits_counted(tiny_qwen2: Path, folder: Path, tmp_path: Path) -> None:
    shape, compressor = read_shape(tiny_qwen2), ready(folder)
    about = stored_bits(shape, compressor.plan(shape)) / shape.weights
    found = compress(tiny_qwen2, compressor, CalibrationSource(), tmp_path / "a")
    # 4 bits, a float16 scale for 32 columns, and two int64 for its shape
    shapes = sum(128 for _ in shape.linears) / shape.weights
    assert found.size.bits_per_weight == pytest.approx(4 + 16 / 32 + shapes, rel=1e-6)
    assert about == pytest.approx(found.size.bits_per_weight, rel=0.02)
    assert (found.size.replaced, found.resumed, found.calibration_tokens) == (21, 0, None)
    tokens = torch.arange(40)[None]
    theirs = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)(tokens).logits
    torch.testing.assert_close(load(tmp_path / "a", "cpu", frozen=True).model(tokens).logits, theirs)


def join(tensors: dict[str, torch.Tensor], _: dict) -> None:
    for suffix in ("weight_packed", "weight_scale", "weight_shape"):
        gate, up = (tensors.pop(f"model.layers.1.mlp.{kind}_proj.{suffix}") for kind in ("gate", "up"))
        tensors[f"model.layers.1.mlp.gate_up_proj.{suffix}"] = torch.cat([gate, up])


def forget(tensors: dict[str, torch.Tensor], _: dict) -> None:
    for suffix in ("weight_packed", "weight_scale", "weight_shape"):
        del tensors[f"{NAME}.{suffix}"]


def unquantize(tensors: dict[str, torch.Tensor], config: dict) -> None:
    del config["quantization_config"]


def other_library(tensors: dict[str, torch.Tensor], config: dict) -> None:
    config["quantization_config"] = {"quant_method": "awq"}


def other_model(tensors: dict[str, torch.Tensor], _: dict) -> None:
    forget(tensors, {})
    tensors[f"{NAME}.weight"] = torch.zeros(5, 7)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (join, r"cannot be counted: model.layers.1.mlp.gate_up_proj\S+ belongs to no Linear"),
        (forget, f"cannot be counted: it stores nothing for {NAME}"),
        (unquantize, "holds no quantized model"),
        (other_library, "in the format of awq, which needs gptqmodel"),
        (other_model, rf"of another model: {NAME}.weight is \(5, 7\)"),
    ],
)
def test_what_cannot_be_counted_or_loaded_is_refused(
    tiny_qwen2: Path, folder: Path, tmp_path: Path, change: Callable, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        ready(changed(folder, tmp_path / "b", change)).plan(read_shape(tiny_qwen2))


def test_a_folder_that_changes_or_is_missing_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has changed"):
        ReadyParams.model_validate({"path": str(folder), "digest": "0" * 64})
    with pytest.raises(ValueError, match="no model folder"):
        ReadyParams.model_validate({"path": str(tmp_path / "nowhere")})


def test_layers_of_another_model_are_refused(stories260k: Path, folder: Path) -> None:
    with pytest.raises((UsageError, ModelError), match="cannot be counted"):
        ready(folder).plan(read_shape(stories260k))
