"""A compressed model is loaded and asked like any other, and answers as its dense form does."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from harness.checkpoints.packed_linear import QLRLinear
from harness.compression.calibration import CalibrationSource
from harness.compression.driver import compress
from harness.contract import Prompt
from harness.errors import ModelError
from harness.models.generate import Generator
from harness.models.load import load
from harness.models.sampling import Sampling
from harness_plugins.compressors.caldera.rtn import Rtn, RtnParams

PROMPTS = [
    Prompt(role="story", text=text, max_tokens=16) for text in ("Once upon a time", "The dog", "Mom said to Lily")
]


@pytest.fixture
def artefact(stories260k: Path, tmp_path: Path) -> Path:
    return compress(stories260k, Rtn(RtnParams(bits=4)), CalibrationSource(), tmp_path / "packed").folder


def test_a_packed_model_answers_as_its_dense_form(artefact: Path, stories260k: Path) -> None:
    packed, original = load(artefact, device="cpu"), load(stories260k, device="cpu")
    layers = {name: layer for name, layer in packed.model.named_modules() if isinstance(layer, QLRLinear)}
    assert len(layers) == 35
    assert (packed.eos, packed.context) == (original.eos, original.context)
    with torch.no_grad():
        for name, layer in layers.items():
            original.model.get_submodule(name).weight.copy_(layer.dequantize())
    keys, warm = [1, 2, 3], Sampling(temperature=0.8)
    assert Generator(packed).generate(PROMPTS, keys, warm) == Generator(original).generate(PROMPTS, keys, warm)


def test_an_altered_artefact_is_one_line_from_its_own_check(artefact: Path) -> None:
    (shard, *_) = sorted(artefact.glob("block-*.safetensors"))
    content = bytearray(shard.read_bytes())
    content[-1] ^= 1
    shard.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        load(artefact, device="cpu")
    assert "\n" not in str(caught.value)
    assert "cannot be loaded" not in str(caught.value), "the artefact's own error is clearer than a wrapped one"
