"""Masks of an artefact: some of its Linears, the rest of the model untouched."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

import harness.checkpoints.quantizer  # noqa: F401  (registers the packed format)
from harness.checkpoints.manifest import read_manifest, verify
from harness.checkpoints.pretrained import load_model
from harness.checkpoints.quantizer import find_linear
from harness.compression import masked
from harness.compression.calibration import CalibrationSource
from harness.compression.make import make_artefact
from harness.errors import ModelError, UsageError
from harness_plugins.compressors.caldera.masked import Masked
from harness_plugins.compressors.caldera.params import CalderaParams, MaskedParams
from harness_plugins.compressors.caldera.plugin import Caldera

TOKENS = CalibrationSource(
    tokens=tuple(
        tuple(torch.randint(0, 60, (64,), generator=torch.Generator().manual_seed(i)).tolist()) for i in range(8)
    )
)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def mask(model: Path, out: Path, **params: object) -> Path:
    treatment = Caldera(CalderaParams(bits=2, rank=2, group=16, factor_group=16, iterations=2))
    compressor = Masked(MaskedParams(treatment="x", **params), treatment)  # type: ignore[arg-type]
    return make_artefact(model, compressor, TOKENS, out).folder


@torch.no_grad()
def logits(folder: Path) -> torch.Tensor:
    return load_model(folder, dtype=torch.float32).eval()(torch.tensor([list(range(20))])).logits


def test_each_linear_is_what_the_mask_says(tiny_qwen2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Path] = []
    once = masked.compress
    monkeypatch.setattr(
        masked, "compress", lambda source, *rest, **named: calls.append(source) or once(source, *rest, **named)
    )
    whole = mask(tiny_qwen2, tmp_path / "whole", blocks=(0, 1, 2))
    cut = masked._cut
    monkeypatch.setattr(masked, "_cut", lambda *_: pytest.fail("the parts are made twice"))
    name = "model.layers.0.mlp.down_proj"
    some = mask(tiny_qwen2, tmp_path / "some", blocks=(2,), linears=(name,))
    none = mask(tiny_qwen2, tmp_path / "none")
    monkeypatch.setattr(masked, "_cut", cut)
    taken = read_manifest(some).linears
    assert {linear for linear in taken if not linear.startswith("model.layers.2.")} == {name}
    assert len(taken) == 8
    assert len(read_manifest(whole).linears) == 21
    assert not read_manifest(none).linears
    models = {out: load_model(out, dtype=torch.float32) for out in (whole, some)}
    source = AutoModelForCausalLM.from_pretrained(tiny_qwen2, dtype=torch.float32)
    x = torch.randn(3, source.config.intermediate_size)
    for block in range(3):
        linear = f"model.layers.{block}.mlp.down_proj"
        own, all_of_it, plain = (find_linear(model, linear)[2](x) for model in (models[some], models[whole], source))
        assert torch.equal(own, plain if block == 1 else all_of_it)
        assert not torch.equal(plain, all_of_it)
    assert torch.equal(logits(none), source.eval()(torch.tensor([list(range(20))])).logits)
    for out in (whole, some, none):
        verify(out)
        assert all(file.stat().st_nlink > 1 for file in out.glob("model.*.safetensors"))


def test_sizes_are_the_planned_ones(tiny_qwen2: Path, tmp_path: Path) -> None:
    from harness.checkpoints.checkpoint import open_checkpoint
    from harness.checkpoints.shape import shape_of
    from harness.planning.sizes import stored_bits

    shape = shape_of(open_checkpoint(tiny_qwen2))
    out = mask(tiny_qwen2, tmp_path / "out", blocks=(1,))
    treatment = Caldera(CalderaParams(bits=2, rank=2, group=16, factor_group=16, iterations=2))
    plan = Masked(MaskedParams(treatment="x", blocks=(1,)), treatment).plan(shape)
    assert read_manifest(out).stored_bits == stored_bits(shape, plan)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_a_nudge_is_a_rounding_error(dtype: torch.dtype) -> None:
    weight = torch.randn(64, 64, generator=torch.Generator().manual_seed(0)).to(dtype)
    moved = masked.nudged(weight)
    assert moved.dtype == dtype
    relative = ((moved.float() - weight.float()) / weight.float()).abs()
    step = masked.STEP.get(dtype, masked.STEP[torch.bfloat16])
    assert float((relative > 0).float().mean()) > 0.05
    assert relative.max() <= 2.02 * step  # the spacing doubles within an octave
    assert torch.equal(moved, masked.nudged(weight))


def test_a_null_probe_compresses_nothing(tiny_qwen2: Path, tmp_path: Path) -> None:
    null = mask(tiny_qwen2, tmp_path / "null", blocks=(0, 1, 2), null=True)
    assert not read_manifest(null).linears
    change = (logits(null) - logits(tiny_qwen2)).abs().max()
    assert 0 < change < 0.1


def test_what_is_not_there_is_refused(tiny_qwen2: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the model has no block 3"):
        mask(tiny_qwen2, tmp_path / "a", blocks=(3,))
    with pytest.raises(UsageError, match=r"no Linear model\.layers\.9"):
        mask(tiny_qwen2, tmp_path / "b", linears=("model.layers.9.mlp.up_proj",))
    mask(tiny_qwen2, tmp_path / "c", blocks=(1,))
    with pytest.raises(ModelError, match="holds another artefact"):
        mask(tiny_qwen2, tmp_path / "c", blocks=(2,))
