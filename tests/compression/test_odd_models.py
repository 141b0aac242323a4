"""Awkward models through the real compressor: a correct artefact or a clear error, never a silently wrong model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, MixtralConfig, MixtralForCausalLM, Qwen2Config, Qwen2ForCausalLM

from harness.checkpoints.manifest import inspect, verify
from harness.cli.inspect import inspect as show
from harness.compression.calibration import CalibrationSource
from harness.compression.driver import compress
from harness.errors import ModelError
from harness_plugins.compressors.caldera import metric
from harness_plugins.compressors.caldera.params import CalderaParams
from harness_plugins.compressors.caldera.plugin import Caldera

TOKENS = torch.arange(40)[None]


def random_tokens(vocabulary: int) -> CalibrationSource:
    tokens = torch.randint(vocabulary, (24, 32), generator=torch.Generator().manual_seed(0)).tolist()
    return CalibrationSource(tokens=tuple(map(tuple, tokens)))


def logits(folder: Path, **options: bool) -> torch.Tensor:
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **options)(TOKENS).logits.detach()


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Qwen2 whose MLP has 37 columns: no group, no power of two divides it."""
    folder = tmp_path_factory.mktemp("odd")
    config = Qwen2Config(
        vocab_size=64,
        hidden_size=24,
        intermediate_size=37,
        num_hidden_layers=2,
        num_attention_heads=3,
        num_key_value_heads=1,
        initializer_range=0.2,
        tie_word_embeddings=False,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        Qwen2ForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("rotate", [False, True])
@pytest.mark.parametrize(("group", "rank"), [(64, 3), (16, 0), (0, 2)])
def test_shapes_that_nothing_divides(odd: Path, tmp_path: Path, rotate: bool, group: int, rank: int) -> None:
    params = CalderaParams(bits=6, group=group, rank=rank, rotate=rotate, iterations=2, factor_bits=4)
    compress(odd, Caldera(params), random_tokens(64), tmp_path / "a")
    verify(tmp_path / "a")
    assert {row.columns for row in inspect(tmp_path / "a")} == {24, 37}
    original, dense = logits(odd), logits(tmp_path / "a", dequantize=True)
    torch.testing.assert_close(logits(tmp_path / "a"), dense, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(logits(tmp_path / "a", cache=False), dense, rtol=1e-3, atol=1e-3)
    assert (dense - original).norm() < 0.2 * original.norm()


def test_columns_that_no_token_excites(odd: Path, tmp_path: Path) -> None:
    model = Path(shutil.copytree(odd, tmp_path / "m"))
    tensors = load_file(model / "model.safetensors")
    for block in range(2):
        tensors[f"model.layers.{block}.input_layernorm.weight"][:5] = 0
    save_file(tensors, model / "model.safetensors", metadata={"format": "pt"})
    report = compress(model, Caldera(CalderaParams(bits=6, iterations=2)), random_tokens(64), tmp_path / "a")
    assert report.dead_columns == 2 * 3 * 5  # blocks × q, k, v × columns
    original, packed = logits(model), logits(tmp_path / "a")
    assert (packed - original).norm() < 0.2 * original.norm()


@pytest.mark.parametrize("first", [0.01, 0.05])
def test_a_singular_hessian(
    odd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], first: float
) -> None:
    once = CalibrationSource(tokens=((7,) * 32,) * 4)  # one token again and again: second moments of rank 1
    monkeypatch.setattr(metric, "DAMPING_LADDER", (first, 0.1))
    compress(odd, Caldera(CalderaParams(bits=4, rank=2, iterations=2)), once, tmp_path / "a")
    repeated = torch.full((1, 32), 7)
    original, packed = (
        AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)(repeated).logits.detach()
        for folder in (odd, tmp_path / "a")
    )
    assert (packed - original).norm() < 0.2 * original.norm()
    assert {row.damping for row in inspect(tmp_path / "a")} == {first}
    show(tmp_path / "a")
    assert ("damping" in capsys.readouterr().out) == (first > 0.01)


def test_weights_of_zero(odd: Path, tmp_path: Path) -> None:
    model = Path(shutil.copytree(odd, tmp_path / "m"))
    tensors = load_file(model / "model.safetensors")
    tensors["model.layers.1.mlp.up_proj.weight"].zero_()
    save_file(tensors, model / "model.safetensors", metadata={"format": "pt"})
    compress(model, Caldera(CalderaParams(bits=3, rank=2, iterations=2)), random_tokens(64), tmp_path / "a")
    dense = AutoModelForCausalLM.from_pretrained(tmp_path / "a", dequantize=True)
    assert not dense.model.layers[1].mlp.up_proj.weight.any()
    assert bool(logits(tmp_path / "a").isfinite().all())


def test_a_mixture_of_experts_is_refused_by_name(tmp_path: Path) -> None:
    config = MixtralConfig(
        vocab_size=64,
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        num_local_experts=2,
    )
    MixtralForCausalLM(config).save_pretrained(tmp_path / "m")
    for hidden_in_config in (False, True):
        if hidden_in_config:  # the tensors' names alone give it away
            stated = json.loads((tmp_path / "m" / "config.json").read_text())
            (tmp_path / "m" / "config.json").write_text(json.dumps({**stated, "num_local_experts": None}))
        with pytest.raises(ModelError, match=r"mixtral.* is a mixture-of-experts model"):
            compress(tmp_path / "m", Caldera(CalderaParams(bits=3)), random_tokens(64), tmp_path / "a")
    assert not (tmp_path / "a").exists()
