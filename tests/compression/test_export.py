"""Exports load in stock tools and compute the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import warm
from rtn_compressors import RTN, RTNParams
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModelForCausalLM,
    BloomConfig,
    BloomForCausalLM,
    FalconConfig,
    GPTBigCodeConfig,
    PreTrainedConfig,
)

import harness.checkpoints.quantizer  # noqa: F401  (registers the packed format)
from harness.checkpoints.manifest import LinearEntry
from harness.cli.export import AdapterType, Format, export
from harness.compression import export as export_module
from harness.compression.calibration import CalibrationSource
from harness.compression.driver import compress
from harness.compression.export import export_compressed_tensors, export_dense
from harness.contract import Decision
from harness.errors import ModelError, UsageError
from harness.registry.catalogue import load_catalogue
from harness.registry.plugins import load_plugins
from harness_plugins.compressors.caldera.params import CalderaParams
from harness_plugins.compressors.caldera.plugin import Caldera

NONE = CalibrationSource()
TOKENS = torch.arange(40)[None]


def logits(folder: Path, **options: object) -> torch.Tensor:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **options)
    return model(TOKENS).logits.detach()


def test_the_dense_export_is_the_artefact_for_everyone(tiny_qwen2: Path, tmp_path: Path) -> None:
    compress(tiny_qwen2, RTN(RTNParams(bits=3, rank=2, keep="layers.2.")), NONE, tmp_path / "a")
    export_dense(tmp_path / "a", tmp_path / "dense", torch.float32)
    code = (
        "import sys, torch; from transformers import AutoModelForCausalLM as A;"
        "model = A.from_pretrained(sys.argv[1], dtype=torch.float32);"
        "torch.save(model(torch.arange(40)[None]).logits.detach(), sys.argv[2]);"
        "assert 'harness' not in sys.modules"
    )
    warm.run(["-c", code, str(tmp_path / "dense"), str(tmp_path / "logits.pt")], check=True)
    torch.testing.assert_close(torch.load(tmp_path / "logits.pt"), logits(tmp_path / "a"), rtol=1e-5, atol=1e-5)
    export_dense(tmp_path / "a", tmp_path / "bf16")
    assert json.loads((tmp_path / "bf16" / "config.json").read_text())["dtype"] == "bfloat16"
    torch.testing.assert_close(logits(tmp_path / "bf16"), logits(tmp_path / "a"), rtol=0.1, atol=0.3)
    with pytest.raises(ModelError, match="not empty"):
        export_dense(tmp_path / "a", tmp_path / "dense")


def test_dense_export_of_transposed_layers(shared_data: Path, tmp_path: Path) -> None:
    compress(shared_data / "gpt2-tarot", RTN(RTNParams(bits=4, rank=2)), NONE, tmp_path / "a")
    export_dense(tmp_path / "a", tmp_path / "dense", torch.float32)
    torch.testing.assert_close(logits(tmp_path / "dense"), logits(tmp_path / "a"), rtol=1e-5, atol=1e-5)
    with pytest.raises(UsageError, match="gpt2 stores transposed layers"):
        export_compressed_tensors(tmp_path / "a", tmp_path / "ct")


STOCK = """
import sys, torch
from peft import PeftModel
from transformers import AutoModelForCausalLM
tokens = torch.arange(40)[None]
base = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32)
base(tokens)  # compressed-tensors unpacks at the first forward pass; PEFT needs weights to wrap
adapted = PeftModel.from_pretrained(base, sys.argv[1] + "/adapter")
with_adapter = adapted(tokens).logits.detach()
with adapted.disable_adapter():
    torch.save((with_adapter, adapted(tokens).logits.detach()), sys.argv[2])
assert "harness" not in sys.modules
"""


class Mixed(RTN):
    """2-, 3- and 4-bit layers of different ranks, on either grid."""

    grid = "midrise"

    def plan(self, shape, measurements=None):
        kinds = {"q_proj": (4, 3), "gate_proj": (2, 5), "down_proj": (3, 0)}
        plans = {linear.name: kinds.get(linear.kind, (3, 2)) for linear in shape.linears}
        return {
            name: Decision(bits=bits, group=32, rank=rank, factor_bits=16, grid=self.grid)
            for name, (bits, rank) in plans.items()
        }

    def one(self, weight, decision):
        result = super().one(weight, decision)
        result.q.grid = decision.grid
        return result


@pytest.mark.parametrize("grid", ["midrise", "midtread"])
def test_compressed_tensors_with_an_adapter_is_the_artefact(
    tiny_qwen2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, grid: str
) -> None:
    pytest.importorskip("compressed_tensors", reason="compressed-tensors is not installed")
    pytest.importorskip("peft", reason="peft is not installed")
    monkeypatch.setattr(Mixed, "grid", grid)
    compress(tiny_qwen2, Mixed(RTNParams()), NONE, tmp_path / "a")
    exported = export_compressed_tensors(tmp_path / "a", tmp_path / "ct")
    assert exported.rank == 5
    assert set(exported.bits.values()) == ({3, 4, 5} if grid == "midrise" else {2, 3, 4})
    warm.run(["-c", STOCK, str(tmp_path / "ct"), str(tmp_path / "logits.pt")], check=True)
    adapted, bare = torch.load(tmp_path / "logits.pt")
    whole = logits(tmp_path / "a")
    torch.testing.assert_close(adapted, whole, rtol=1e-3, atol=1e-3)
    assert (bare - whole).abs().max() > 0.1


def test_a_servable_preset_exports_its_own_bits_in_one_scheme(tiny_qwen2: Path, tmp_path: Path) -> None:
    pytest.importorskip("compressed_tensors", reason="compressed-tensors is not installed")
    pytest.importorskip("peft", reason="peft is not installed")
    catalogue = load_catalogue(load_plugins())
    quick = {"group": 32, "iterations": 1}
    servable = catalogue.build(catalogue.resolve("compressors", "servable4", quick))
    compress(tiny_qwen2, servable, CalibrationSource(tokens=(tuple(range(128)),)), tmp_path / "a")
    exported = export_compressed_tensors(tmp_path / "a", tmp_path / "ct", torch.bfloat16)
    assert set(exported.bits.values()) == {4}
    assert exported.rank == 16
    assert exported.split == ()
    adapter = load_file(tmp_path / "ct" / "adapter" / "adapter_model.safetensors")
    assert {tensor.dtype for tensor in adapter.values()} == {torch.bfloat16}
    warm.run(["-c", STOCK, str(tmp_path / "ct"), str(tmp_path / "logits.pt")], check=True)
    adapted, _ = torch.load(tmp_path / "logits.pt")
    torch.testing.assert_close(adapted, logits(tmp_path / "a"), rtol=0.1, atol=0.3)


def test_fused_layers_of_several_schemes_are_told(
    tiny_qwen2: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    compress(tiny_qwen2, Mixed(RTNParams()), NONE, tmp_path / "a")
    compress(tiny_qwen2, RTN(RTNParams(group=32, keep="layers.1.self_attn.v_proj")), NONE, tmp_path / "b")
    export(tmp_path / "a", tmp_path / "ct-a", Format.COMPRESSED_TENSORS)
    assert "6 groups that servers fuse do not share one scheme, such as model.layers.0." in capsys.readouterr().out
    split = export_compressed_tensors(tmp_path / "b", tmp_path / "ct-b").split
    assert split == ("model.layers.1.self_attn.k_proj+q_proj+v_proj",)  # one of them is not packed
    with pytest.raises(UsageError, match="a dense export has no adapter"):
        export(tmp_path / "a", tmp_path / "dense", adapter_dtype=AdapterType.BFLOAT16)


def test_names_without_the_models_prefix_are_found_by_stock_tools(tmp_path: Path) -> None:
    pytest.importorskip("compressed_tensors", reason="compressed-tensors is not installed")
    pytest.importorskip("peft", reason="peft is not installed")
    config = BloomConfig(vocab_size=64, hidden_size=64, n_layer=2, n_head=4, initializer_range=0.2)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        BloomForCausalLM(config).save_pretrained(tmp_path / "m")
    file = tmp_path / "m" / "model.safetensors"
    bare = {name.removeprefix("transformer."): tensor for name, tensor in load_file(file).items()}
    assert "h.0.mlp.dense_h_to_4h.weight" in bare
    save_file(bare, file, metadata={"format": "pt"})  # as the published Bloom checkpoints are
    compress(tmp_path / "m", RTN(RTNParams(bits=3, rank=2, keep="h.1.mlp")), NONE, tmp_path / "a")
    export_compressed_tensors(tmp_path / "a", tmp_path / "ct")
    warm.run(["-c", STOCK, str(tmp_path / "ct"), str(tmp_path / "logits.pt")], check=True)
    adapted, without = torch.load(tmp_path / "logits.pt")
    whole = logits(tmp_path / "a")
    torch.testing.assert_close(adapted, whole, rtol=1e-3, atol=1e-3)
    assert (without - whole).abs().max() > 0.1


@pytest.mark.parametrize(
    ("kind", "config", "fault"),
    [
        (FalconConfig, {"num_attention_heads": 4, "num_hidden_layers": 2}, "'FalconLinear' object has no attribute"),
        (GPTBigCodeConfig, {"n_head": 4, "n_layer": 2}, ""),
    ],
)
def test_an_export_that_does_not_load_back_is_refused(
    kind: type[PreTrainedConfig], config: dict[str, int], fault: str, tmp_path: Path
) -> None:
    pytest.importorskip("compressed_tensors", reason="compressed-tensors is not installed")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(kind(vocab_size=64, hidden_size=64, **config), dtype=torch.float32)
    model.save_pretrained(tmp_path / "m")
    compress(tmp_path / "m", RTN(RTNParams(bits=4, group=32)), NONE, tmp_path / "a")
    with pytest.raises(ModelError, match=f"does not load back: .*{fault}") as caught:
        export_compressed_tensors(tmp_path / "a", tmp_path / "ct")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "ct").exists()
    export_dense(tmp_path / "a", tmp_path / "dense", torch.float32)
    torch.testing.assert_close(logits(tmp_path / "dense"), logits(tmp_path / "a"), rtol=1e-4, atol=1e-4)


def test_an_export_that_computes_something_else_is_refused(
    tiny_qwen2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("compressed_tensors", reason="compressed-tensors is not installed")
    compress(tiny_qwen2, RTN(RTNParams(bits=4, group=32)), NONE, tmp_path / "a")
    scales = export_module.packed_base

    def doubled(own: export_module.Tensors, entry: LinearEntry) -> export_module.Tensors:
        packed = scales(own, entry)
        return {**packed, "weight_scale": packed["weight_scale"] * 2}

    monkeypatch.setattr(export_module, "packed_base", doubled)
    with pytest.raises(ModelError, match="its logits are off by"):
        export_compressed_tensors(tmp_path / "a", tmp_path / "ct")
    assert not (tmp_path / "ct").exists()


def test_an_export_that_could_not_be_loaded_back_says_so(
    tiny_qwen2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    compress(tiny_qwen2, RTN(RTNParams(bits=4, group=32)), NONE, tmp_path / "a")
    monkeypatch.setattr("harness.compression.export_check.find_spec", lambda _: None)
    export(tmp_path / "a", tmp_path / "ct", Format.COMPRESSED_TENSORS)
    assert "not loaded back and compared: compressed_tensors is not installed" in capsys.readouterr().out


def test_what_the_formats_cannot_say_is_refused(tiny_qwen2: Path, stories260k: Path, tmp_path: Path) -> None:
    compress(stories260k, RTN(RTNParams()), NONE, tmp_path / "a")
    with pytest.raises(UsageError, match="groups of 64 do not divide 172 columns"):
        export_compressed_tensors(tmp_path / "a", tmp_path / "ct")
    compress(tiny_qwen2, RTN(RTNParams(bits=8, group=32)), NONE, tmp_path / "b")
    with pytest.raises(UsageError, match="8-bit mid-rise codes"):
        export_compressed_tensors(tmp_path / "b", tmp_path / "ct")
    rotated = Caldera(CalderaParams(bits=3, rank=0, rotate=True, iterations=1))
    compress(tiny_qwen2, rotated, CalibrationSource(tokens=(tuple(range(128)),)), tmp_path / "c")
    with pytest.raises(UsageError, match=r"_proj is rotated, .* compress again with rotate=false"):
        export_compressed_tensors(tmp_path / "c", tmp_path / "ct")
    assert not (tmp_path / "ct").exists()
    export_dense(tmp_path / "c", tmp_path / "dense", torch.float32)
    torch.testing.assert_close(logits(tmp_path / "dense"), logits(tmp_path / "c"), rtol=1e-4, atol=1e-4)
