"""What the model's own classes say decides what is compressed, whatever its tensors are called."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from rtn_compressors import RTN, CalibratedRTN, RTNParams
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM

import harness.checkpoints.quantizer  # noqa: F401  (registers the packed format)
from harness.checkpoints.checkpoint import open_checkpoint
from harness.checkpoints.manifest import read_manifest, verify
from harness.checkpoints.shape import read_shape
from harness.compression.architecture import check_architecture, empty_model
from harness.compression.calibration import CalibrationSource
from harness.compression.driver import compress
from harness.errors import ModelError
from harness.planning.sizes import size_of
from harness.registry.catalogue import load_catalogue
from harness.registry.plugins import load_plugins

SIZES = {
    "vocab_size": 64, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 64, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip
TOKENS = CalibrationSource(
    tokens=tuple(map(tuple, torch.randint(64, (16, 24), generator=torch.Generator().manual_seed(0)).tolist()))
)


def build(folder: Path, kind: str, **config: object) -> Path:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **{**SIZES, **config}), dtype=torch.float32)
    model.save_pretrained(folder)
    return folder


def logits(folder: Path) -> torch.Tensor:
    with torch.no_grad():
        return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)(torch.arange(3, 20)[None]).logits


@pytest.mark.parametrize(
    ("compressor", "kind", "config", "copied"),
    [
        (RTN, "cohere", {"use_qk_norm": True}, "q_norm"),  # a norm for each head: (heads, head size)
        (CalibratedRTN, "cohere", {"use_qk_norm": True}, "q_norm"),
        (CalibratedRTN, "stablelm", {"qk_layernorm": True}, "q_layernorm"),
        (RTN, "mamba", {"state_size": 8}, "A_log"),  # 2-D, no module
    ],
)
def test_two_dimensional_weights_that_are_no_linear_are_copied(
    compressor: type, kind: str, config: dict[str, object], copied: str, tmp_path: Path
) -> None:
    source = build(tmp_path / "m", kind, **config)
    compress(source, compressor(RTNParams(bits=8)), TOKENS, tmp_path / "a")
    manifest = verify(tmp_path / "a")
    assert any(copied in name for name in manifest.tensors)
    assert not any(copied in name for name in (*manifest.linears, *manifest.kept))
    original, packed = logits(source), logits(tmp_path / "a")
    assert (packed - original).norm() < 0.05 * original.norm()


def test_blocks_that_return_a_list_are_walked(tmp_path: Path) -> None:
    source = build(tmp_path / "m", "openai-gpt", n_embd=32, n_layer=2, n_head=4)
    compress(source, CalibratedRTN(RTNParams(bits=8)), TOKENS, tmp_path / "a")
    original, packed = logits(source), logits(tmp_path / "a")
    assert (packed - original).norm() < 0.05 * original.norm()


@pytest.mark.parametrize("kind", ["mamba", "falcon_mamba"])
def test_linears_that_are_never_called_are_not_calibrated(kind: str, tmp_path: Path) -> None:
    """A state-space mixer multiplies by the weight of dt_proj itself: nothing shows what enters it."""
    source = build(tmp_path / "m", kind, state_size=8)
    with pytest.raises(ModelError, match=r"layers.0.mixer.dt_proj of .* cannot be calibrated") as caught:
        compress(source, CalibratedRTN(RTNParams(bits=4)), TOKENS, tmp_path / "a")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "a").exists()
    catalogue = load_catalogue(load_plugins())
    with pytest.raises(ModelError, match="dt_proj of this model cannot be calibrated"):
        size_of(catalogue.resolve("compressors", "uniform4"), read_shape(source), catalogue)
    assert size_of(catalogue.resolve("compressors", "rtn4"), read_shape(source), catalogue).replaced == 8
    compress(source, CalibratedRTN(RTNParams(bits=8, keep="dt_proj")), TOKENS, tmp_path / "kept")
    original, packed = logits(source), logits(tmp_path / "kept")
    assert (packed - original).norm() < 0.05 * original.norm()


def test_a_planned_linear_that_is_none_is_refused(tiny_qwen2: Path) -> None:
    shape = read_shape(tiny_qwen2)
    odd = shape.linears[0].model_copy(update={"name": "model.layers.0.input_layernorm"})
    with pytest.raises(ModelError, match=r"input_layernorm of .* \(qwen2\) is a Qwen2RMSNorm, not a Linear"):
        check_architecture(open_checkpoint(tiny_qwen2), shape.model_copy(update={"linears": (odd,)}))


def edit(folder: Path, **changes: torch.Tensor | None) -> None:
    tensors = load_file(folder / "model.safetensors") | changes
    kept = {name: tensor for name, tensor in tensors.items() if tensor is not None}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize(
    ("changes", "config", "message"),
    [
        ({"lm_head.weight": None}, {}, "1 weight .* is missing, the first: lm_head.weight"),
        ({"model.norm.weight": None}, {}, "1 weight .* is missing, the first: model.norm.weight"),
        ({"model.layers.1.mlp.extra.weight": torch.zeros(4, 4)}, {}, "has no layer model.layers.1.mlp.extra"),
        ({}, {"vocab_size": 65}, "2 weights .* have a shape that the config does not"),
        ({}, {"model_type": "llama99"}, "transformers cannot build the model"),
        ({}, {"model_type": "bert"}, "weights of the model .* are missing"),
        ({}, {"model_type": "t5"}, r"\(t5\) is no causal language model"),
    ],
)
def test_a_model_that_would_not_load_is_not_compressed(
    changes: dict[str, torch.Tensor | None], config: dict[str, object], message: str, tmp_path: Path
) -> None:
    source = build(tmp_path / "m", "llama", tie_word_embeddings=False)
    edit(source, **changes)
    stated = json.loads((source / "config.json").read_text())
    (source / "config.json").write_text(json.dumps({**stated, **config}))
    with pytest.raises(ModelError, match=message) as caught:
        compress(source, RTN(RTNParams(bits=4)), TOKENS, tmp_path / "a")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "a").exists()


def test_a_head_that_is_tied_need_not_be_stored(tmp_path: Path) -> None:
    source = build(tmp_path / "m", "llama", tie_word_embeddings=True)
    compress(source, RTN(RTNParams(bits=4)), TOKENS, tmp_path / "a")
    assert "lm_head.weight" not in read_manifest(tmp_path / "a").tensors


def test_blocks_that_do_not_run_one_by_one_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers.models.llama import modeling_llama

    def entangled(self: object, *args: object, **kwargs: object) -> None:
        raise AttributeError("'NoneType' object has no attribute 'state'")

    monkeypatch.setattr(modeling_llama.LlamaDecoderLayer, "forward", entangled)
    source = build(tmp_path / "m", "llama")
    with pytest.raises(ModelError, match=r"\(llama\) do not run one by one: AttributeError: 'NoneType'") as caught:
        compress(source, CalibratedRTN(RTNParams(bits=4)), TOKENS, tmp_path / "a")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        (  # its parent module fills the buffers of its mixers
            "falcon_h1",
            {"mamba_d_ssm": 64, "mamba_n_heads": 4, "mamba_d_head": 16, "mamba_d_state": 8, "mamba_n_groups": 1},
        ),
        ("llama", {}),
        ("gpt_neox", {}),
        ("gemma2", {"head_dim": 8}),
    ],
)
def test_buffers_that_no_file_holds_have_their_values(kind: str, config: dict[str, object], tmp_path: Path) -> None:
    source = build(tmp_path / "m", kind, **config)
    expected = dict(AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32).named_buffers())
    found = dict(empty_model(open_checkpoint(source)).named_buffers())
    assert expected.keys() == found.keys()
    assert expected
    for name, buffer in expected.items():
        torch.testing.assert_close(found[name], buffer, msg=name)


FALCON_H1 = {"mamba_d_ssm": 64, "mamba_n_heads": 4, "mamba_d_head": 16, "mamba_d_state": 8, "mamba_n_groups": 1}


@pytest.mark.parametrize("compressor", [RTN, CalibratedRTN])
def test_a_packed_model_answers_alike_each_time_it_is_loaded(compressor: type, tmp_path: Path) -> None:
    source = build(tmp_path / "m", "falcon_h1", **FALCON_H1)
    compress(source, compressor(RTNParams(bits=8)), TOKENS, tmp_path / "a")
    original, first, second = logits(source), logits(tmp_path / "a"), logits(tmp_path / "a")
    assert torch.equal(first, second)
    assert (first - original).norm() < 0.05 * original.norm()


XGLM = {"d_model": 32, "ffn_dim": 64, "num_layers": 2, "attention_heads": 4}
MPT = {"d_model": 32, "n_heads": 4, "n_layers": 2, "max_seq_len": 64}
RWKV = {"attention_hidden_size": 32, "context_length": 64}


@pytest.mark.parametrize(("kind", "config"), [("mpt", MPT), ("rwkv", RWKV)])
def test_blocks_of_other_names_are_refused_at_planning(kind: str, config: dict[str, int], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="expected one stack of decoder blocks, found none") as caught:
        read_shape(build(tmp_path / "m", kind, **config))
    assert "\n" not in str(caught.value)


def test_a_model_that_calls_its_width_d_model_is_walked(tmp_path: Path) -> None:
    source = build(tmp_path / "m", "xglm", **XGLM)
    assert read_shape(source).hidden == 32
    compress(source, CalibratedRTN(RTNParams(bits=8)), TOKENS, tmp_path / "a")
    original, packed = logits(source), logits(tmp_path / "a")
    assert (packed - original).norm() < 0.05 * original.norm()
