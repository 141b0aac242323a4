"""From a model folder to an artefact that from_pretrained loads, packed and dense."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
import warm
from rtn_compressors import RTN, CalibratedRTN, RTNParams
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2Config, GPT2LMHeadModel
from transformers.pytorch_utils import Conv1D

import harness.checkpoints.quantizer  # noqa: F401  (registers the packed format)
from harness.checkpoints.checkpoint import open_checkpoint, stored_bytes
from harness.checkpoints.manifest import inspect, linear_bits, read_manifest, summary, verify
from harness.checkpoints.packed_linear import QLRLinear
from harness.checkpoints.shape import read_shape
from harness.compression.calibration import CalibrationSource
from harness.compression.driver import compress

FEW = CalibrationSource(sequences=8, length=64)


def load(folder: Path, **options: bool) -> torch.nn.Module:
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **options)


@pytest.fixture(scope="session")
def tiny_gpt2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random GPT-2: Conv1D layers with biases that are not zero, a tied head, odd widths."""
    folder = tmp_path_factory.mktemp("tiny_gpt2")
    config = GPT2Config(
        vocab_size=101,
        n_embd=36,
        n_layer=2,
        n_head=3,
        n_positions=64,
        initializer_range=0.2,
        bos_token_id=None,
        eos_token_id=None,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = GPT2LMHeadModel(config)
        for name, parameter in model.named_parameters():
            if name.endswith(".bias"):
                torch.nn.init.normal_(parameter, std=0.1)
    model.save_pretrained(folder)
    return folder


def expected_weights(source: Path, params: RTNParams) -> dict[str, torch.Tensor]:
    """Name -> Ŵ as the compressor alone makes it from the model's own weights."""
    model = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32)
    rtn, shape = RTN(params), read_shape(source)
    decisions = rtn.plan(shape)
    weights = {}
    for linear in shape.linears:
        layer = model.get_submodule(linear.name)
        weight = layer.weight.detach().T.contiguous() if isinstance(layer, Conv1D) else layer.weight.detach()
        weights[linear.name] = rtn.one(weight, decisions[linear.name]).dequantize()
    return weights


@pytest.mark.parametrize(
    "params",
    [
        RTNParams(bits=3),
        RTNParams(bits=4, rank=3, factor_bits=4),
        RTNParams(bits=2, rank=5),
        RTNParams(bits=5, group=40),
        RTNParams(bits=8, group=0),
    ],
)
def test_the_loaded_model_computes_what_the_compressor_returned(
    tiny_qwen2: Path, tmp_path: Path, params: RTNParams
) -> None:
    compress(tiny_qwen2, RTN(params), FEW, tmp_path / "a")
    packed, dense = load(tmp_path / "a"), load(tmp_path / "a", dequantize=True)
    reference = load(tiny_qwen2)
    for name, weight in expected_weights(tiny_qwen2, params).items():
        torch.testing.assert_close(dense.get_submodule(name).weight.detach(), weight, rtol=1e-3, atol=1e-4)
        reference.get_submodule(name).weight.data = weight
        assert isinstance(packed.get_submodule(name), QLRLinear)
    tokens = torch.arange(40)[None]
    torch.testing.assert_close(packed(tokens).logits, dense(tokens).logits, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(packed(tokens).logits, reference(tokens).logits, rtol=1e-2, atol=1e-2)


def test_biases_norms_and_the_tied_head_are_those_of_the_source(tiny_qwen2: Path, tmp_path: Path) -> None:
    compress(tiny_qwen2, RTN(RTNParams()), FEW, tmp_path / "a")
    base, packed = load(tiny_qwen2).state_dict(), load(tmp_path / "a")
    compared = [name for name in packed.state_dict() if name in base]
    assert sum(name.endswith(".bias") for name in compared) == 9
    for name in compared:
        assert torch.equal(base[name], packed.state_dict()[name]), name
    assert packed.lm_head.weight is packed.model.embed_tokens.weight


@pytest.mark.parametrize("kind", [RTN, CalibratedRTN])
def test_gpt2_with_its_transposed_layers(tiny_gpt2: Path, tmp_path: Path, kind: type[RTN]) -> None:
    params = RTNParams(bits=3, rank=2)
    source = CalibrationSource(sequences=16, length=32, refit=False)
    compress(tiny_gpt2, kind(params), source, tmp_path / "a")
    packed, dense, reference = load(tmp_path / "a"), load(tmp_path / "a", dequantize=True), load(tiny_gpt2)
    for name, weight in expected_weights(tiny_gpt2, params).items():
        reference.get_submodule(name).weight.data = weight.T.contiguous()
    tokens = torch.arange(30)[None]
    assert type(dense.transformer.h[0].attn.c_attn) is type(reference.transformer.h[0].attn.c_attn)
    torch.testing.assert_close(dense(tokens).logits, packed(tokens).logits, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(dense(tokens).logits, reference(tokens).logits, rtol=1e-2, atol=1e-2)


def test_real_checkpoints_generate_packed(stories260k: Path, shared_data: Path, tmp_path: Path) -> None:
    for source in (stories260k, shared_data / "gpt2-tarot"):
        out = tmp_path / source.name
        report = compress(source, CalibratedRTN(RTNParams(bits=4)), CalibrationSource(sequences=32, length=64), out)
        tokenizer, model = AutoTokenizer.from_pretrained(out), load(out)
        prompt = tokenizer("Once upon a time", return_tensors="pt")
        told = model.generate(**prompt, max_new_tokens=12, do_sample=False)
        again = load(out, dequantize=True).generate(**prompt, max_new_tokens=12, do_sample=False)
        assert told.tolist() == again.tolist()
        assert report.size.bits_per_weight < 4.6
        assert stored_bytes(out) < stored_bytes(source) / 2


@pytest.mark.parametrize("params", [RTNParams(bits=3, rank=3, factor_bits=4), RTNParams(bits=2, keep="down_proj")])
def test_stored_bits_are_the_plans_bits(tiny_qwen2: Path, tmp_path: Path, params: RTNParams) -> None:
    compress(tiny_qwen2, RTN(params), FEW, tmp_path / "a")
    shape, written = read_shape(tiny_qwen2), open_checkpoint(tmp_path / "a")
    decisions = RTN(params).plan(shape)
    planned = {linear.name: linear.stored_bits(decisions[linear.name]) for linear in shape.linears}
    for row in inspect(tmp_path / "a"):
        assert linear_bits(written, row.name) == planned[row.name] == 8 * row.bytes
    for name in read_manifest(tmp_path / "a").kept:  # the model's own float32
        assert linear_bits(written, name) == planned[name]
    assert read_manifest(tmp_path / "a").stored_bits == sum(planned.values())
    size = summary(tmp_path / "a")
    assert size.bits_per_weight == sum(planned.values()) / shape.weights
    assert size.bytes == stored_bytes(tmp_path / "a")
    assert size.replaced == sum(not decision.kept for decision in decisions.values())


def test_bfloat16_loading_keeps_codes_and_scales(tiny_qwen2: Path, tmp_path: Path) -> None:
    compress(tiny_qwen2, RTN(RTNParams(bits=4)), FEW, tmp_path / "a")
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "a", dtype=torch.bfloat16)
    layer = model.model.layers[0].mlp.up_proj
    assert (layer.q_codes.dtype, layer.q_scales.dtype) == (torch.uint8, torch.float16)
    full = load(tmp_path / "a")(torch.arange(20)[None]).logits
    torch.testing.assert_close(model(torch.arange(20)[None]).logits.float(), full, rtol=0.1, atol=0.3)


def test_shards_of_the_source_make_no_difference(tiny_qwen2: Path, tmp_path: Path) -> None:
    load(tiny_qwen2).save_pretrained(tmp_path / "sharded", max_shard_size="100KB")
    shutil.copyfile(tiny_qwen2 / "tokenizer.json", tmp_path / "sharded" / "tokenizer.json")
    for source, name in ((tiny_qwen2, "a"), (tmp_path / "sharded", "b")):
        compress(source, CalibratedRTN(RTNParams(bits=3, rank=1)), FEW, tmp_path / name)
    assert read_manifest(tmp_path / "a").tensors == read_manifest(tmp_path / "b").tensors


def test_a_packed_model_holds_little_more_than_its_files(tiny_qwen2: Path, tmp_path: Path) -> None:
    compress(tiny_qwen2, RTN(RTNParams(bits=2)), FEW, tmp_path / "a")
    kept = load(tmp_path / "a", cache=False)
    layers = [module for module in kept.modules() if isinstance(module, QLRLinear)]
    buffers = sum(buffer.nbytes for layer in layers for buffer in layer.buffers())
    assert 8 * buffers == read_manifest(tmp_path / "a").stored_bits
    kept(torch.arange(20)[None])
    assert all(layer._dense is None for layer in layers)
    cached = load(tmp_path / "a")
    cached(torch.arange(20)[None])
    assert all(layer._dense is not None for layer in cached.modules() if isinstance(layer, QLRLinear))
    cached.to(torch.bfloat16)
    assert all(layer._dense is None for layer in cached.modules() if isinstance(layer, QLRLinear))


def test_stock_transformers_refuses_the_artefact(tiny_qwen2: Path, tmp_path: Path) -> None:
    compress(tiny_qwen2, RTN(RTNParams()), FEW, tmp_path / "a")
    code = f"from transformers import AutoModelForCausalLM as A; A.from_pretrained({str(tmp_path / 'a')!r})"
    stock = warm.run(["-c", code])
    assert stock.returncode != 0
    assert "harness_qlr" in stock.stderr


def test_a_finished_artefact_is_left_alone_and_another_is_not_overwritten(tiny_qwen2: Path, tmp_path: Path) -> None:
    from harness.errors import ModelError

    first = compress(tiny_qwen2, RTN(RTNParams(bits=4)), FEW, tmp_path / "a")
    again = compress(tiny_qwen2, RTN(RTNParams(bits=4)), FEW, tmp_path / "a")
    assert (first.resumed, again.resumed) == (0, 21)
    with pytest.raises(ModelError, match="made with other settings"):
        compress(tiny_qwen2, RTN(RTNParams(bits=3)), FEW, tmp_path / "a")
    with pytest.raises(ModelError, match="already quantized"):
        compress(tmp_path / "a", RTN(RTNParams(bits=3)), FEW, tmp_path / "b")
    verify(tmp_path / "a")


def test_the_manifest_says_where_everything_came_from(tiny_qwen2: Path, tmp_path: Path) -> None:
    compress(tiny_qwen2, CalibratedRTN(RTNParams(bits=4)), FEW, tmp_path / "a")
    manifest = read_manifest(tmp_path / "a")
    source = open_checkpoint(tiny_qwen2)
    name = "model.layers.1.mlp.down_proj"
    assert manifest.linears[name].base == source.tensors[f"{name}.weight"].sha256()
    assert manifest.calibration is not None
    assert manifest.calibration["sequences"] == 8
    assert json.loads((tmp_path / "a" / "config.json").read_text())["base"]["model_type"] == "qwen2"
