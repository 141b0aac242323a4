"""A library that compresses whole models in a format of its own is measured from what it wrote."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from harness.checkpoints.manifest import inspect, read_manifest, summary, verify
from harness.compression.calibration import CalibrationSource
from harness.compression.driver import compress
from harness.contract import Compressor, Decision, Decisions, ModelShape, Params
from harness.errors import ModelError, PluginError

NAME = "model.layers.1.mlp.up_proj"


class Int8(Compressor):
    """Eight bits and one float32 scale a row for every Linear but down_proj."""

    whole_model = True
    forgets = ""
    seen: Sequence[Sequence[int]] = ()

    def plan(self, shape: ModelShape, measurements: object = None) -> Decisions:
        return {linear.name: Decision(bits=8) for linear in shape.linears}

    def compress_model(self, source: Path, calibration: Sequence[Sequence[int]], out: Path) -> None:
        type(self).seen = calibration
        tensors = load_file(source / "model.safetensors")
        for name in [name for name in tensors if name.endswith("_proj.weight") and "down_proj" not in name]:
            weight = tensors.pop(name)
            if name == f"{self.forgets}.weight":
                continue
            scale = weight.abs().amax(1, keepdim=True) / 127
            tensors[f"{name}_int8"], tensors[f"{name}_scale"] = (weight / scale).round().to(torch.int8), scale
        out.mkdir()
        save_file(tensors, out / "model.safetensors", metadata={"format": "pt"})
        config = json.loads((source / "config.json").read_text())
        (out / "config.json").write_text(json.dumps({**config, "quantization_config": {"quant_method": "int8"}}))


def test_its_bits_are_counted_from_its_files(tiny_qwen2: Path, tmp_path: Path) -> None:
    compress(tiny_qwen2, Int8(Params()), CalibrationSource(sequences=6, length=64), tmp_path / "a")
    manifest = verify(tmp_path / "a")
    assert len(Int8.seen) == 6
    assert manifest.foreign[NAME] == 96 * 64 * 8 + 96 * 32
    assert manifest.kept == tuple(f"model.layers.{block}.mlp.down_proj" for block in range(3))
    stored = sum(manifest.foreign.values()) + 3 * 96 * 64 * 32  # what it leaves stays float32
    assert summary(tmp_path / "a").bits_per_weight == stored / manifest.weights
    assert summary(tmp_path / "a").replaced == 18
    assert inspect(tmp_path / "a") == []
    assert read_manifest(tmp_path / "a").linears == {}
    assert (tmp_path / "a" / "tokenizer.json").is_file()
    assert compress(tiny_qwen2, Int8(Params()), CalibrationSource(sequences=6, length=64), tmp_path / "a").resumed == 18


def test_a_layer_it_forgot_is_named(tiny_qwen2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Int8, "forgets", NAME)
    with pytest.raises(PluginError, match=f"stores nothing for {NAME}"):
        compress(tiny_qwen2, Int8(Params()), CalibrationSource(sequences=6, length=64), tmp_path / "a")
    with pytest.raises(ModelError, match="not a complete artefact"):
        verify(tmp_path / "a")
