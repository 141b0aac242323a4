"""An artefact that is not what was written does not load, and the message names what is wrong."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from rtn_compressors import RTN, CalibratedRTN, RTNParams
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

import harness.checkpoints.quantizer  # noqa: F401  (registers the packed format)
from harness.checkpoints.manifest import MARKER, verify
from harness.checkpoints.qlr import QLR
from harness.checkpoints.weight_files import INDEX
from harness.compression import blocks
from harness.compression.calibration import CalibrationSource
from harness.compression.driver import compress
from harness.contract import Decision
from harness.errors import ModelError, PluginError

FEW = CalibrationSource(sequences=8, length=64)
CODES = "model.layers.1.mlp.gate_proj.q_codes"
TEXTS = ("First take the discount off the price. " * 9,) * 3
SHARD = "block-00001.safetensors"


@pytest.fixture(scope="module")
def whole(tiny_qwen2: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole") / "a"
    compress(tiny_qwen2, RTN(RTNParams(bits=3)), FEW, out)
    return out


@pytest.fixture
def artefact(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "a"))


def rewrite(folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    tensors = load_file(folder / SHARD)
    change(tensors)
    save_file(tensors, folder / SHARD, metadata={"format": "pt"})
    index = json.loads((folder / INDEX).read_text())
    index["weight_map"] = {name: file for name, file in index["weight_map"].items() if file != SHARD}
    index["weight_map"].update(dict.fromkeys(tensors, SHARD))
    (folder / INDEX).write_text(json.dumps(index))


def flip_a_bit(folder: Path) -> None:
    rewrite(folder, lambda tensors: tensors[CODES].view(-1)[0:1].bitwise_xor_(1))


def swap_layers(folder: Path) -> None:
    other = CODES.replace("gate", "up")

    def swap(tensors: dict[str, torch.Tensor]) -> None:
        tensors[CODES], tensors[other] = tensors[other], tensors[CODES]

    rewrite(folder, swap)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (flip_a_bit, f"{CODES} was altered"),
        (swap_layers, "was altered"),
        (lambda folder: rewrite(folder, lambda tensors: tensors.pop(CODES)), f"{CODES} is missing"),
        (lambda folder: rewrite(folder, lambda t: t.update(extra=torch.zeros(1))), "extra is not in the manifest"),
        (lambda folder: (folder / SHARD).unlink(), f"{SHARD} is missing"),
        (lambda folder: (folder / SHARD).write_bytes((folder / SHARD).read_bytes()[:-9]), "is truncated"),
        (lambda folder: (folder / MARKER).unlink(), "is not a complete artefact"),
        (lambda folder: (folder / "manifest.json").write_text("{}"), "manifest.json was altered"),
        (lambda folder: (folder / "config.json").open("a").write(" "), "config.json was altered"),
    ],
)
def test_damage_is_named(artefact: Path, damage: Callable[[Path], object], message: str) -> None:
    verify(artefact)
    damage(artefact)
    with pytest.raises(ModelError, match=message):
        verify(artefact)
    with pytest.raises(ModelError, match=message):
        AutoModelForCausalLM.from_pretrained(artefact)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / SHARD).unlink(), f"{SHARD} is missing"),
        (lambda folder: (folder / SHARD).write_bytes((folder / SHARD).read_bytes()[:-9]), f"{SHARD} is truncated"),
        (lambda folder: rewrite(folder, lambda tensors: tensors.pop(CODES)), f"tensor {CODES} is missing"),
        (lambda folder: (folder / "manifest.json").unlink(), "manifest.json is missing"),
    ],
)
def test_compressing_again_does_not_take_a_damaged_artefact_for_a_finished_one(
    artefact: Path, tiny_qwen2: Path, damage: Callable[[Path], object], message: str
) -> None:
    assert compress(tiny_qwen2, RTN(RTNParams(bits=3)), FEW, artefact).resumed == 21
    damage(artefact)
    with pytest.raises(ModelError, match=rf"{message}.* \(delete {artefact} and run again\)"):
        compress(tiny_qwen2, RTN(RTNParams(bits=3)), FEW, artefact)


def test_a_packed_model_is_not_saved_again_but_a_dense_one_is(artefact: Path, tmp_path: Path) -> None:
    packed = AutoModelForCausalLM.from_pretrained(artefact)
    with pytest.raises(ValueError, match="not serializable"):
        packed.save_pretrained(tmp_path / "b")
    dense = AutoModelForCausalLM.from_pretrained(artefact, dequantize=True)
    dense.save_pretrained(tmp_path / "c")
    again = AutoModelForCausalLM.from_pretrained(tmp_path / "c")
    tokens = torch.arange(9)[None]
    assert torch.equal(again(tokens).logits, dense(tokens).logits)
    assert not hasattr(again.config, "quantization_config")


def with_value(source: Path, folder: Path, name: str, value: float) -> Path:
    """A copy of the model whose tensor `name` has one number replaced."""
    shutil.copytree(source, folder)
    tensors = load_file(folder / "model.safetensors")
    tensors[name].view(-1)[3] = value
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_named(tiny_qwen2: Path, tmp_path: Path, value: float) -> None:
    with_value(tiny_qwen2, tmp_path / "m", "model.layers.1.mlp.up_proj.weight", value)
    with pytest.raises(ModelError, match=r"layers.1.mlp.up_proj.weight .* holds NaN or infinity"):
        compress(tmp_path / "m", RTN(RTNParams()), FEW, tmp_path / "a")
    with pytest.raises(ModelError, match=r"layers.1.mlp.up_proj.weight .* holds NaN or infinity"):
        compress(
            tmp_path / "m",
            CalibratedRTN(RTNParams()),
            CalibrationSource(texts=TEXTS),
            tmp_path / "b",
        )


@pytest.mark.parametrize(
    "name",
    [
        "model.norm.weight",
        "model.embed_tokens.weight",
        "model.layers.1.input_layernorm.weight",
        "model.layers.2.mlp.up_proj.weight",  # left as it is
    ],
)
def test_what_is_only_copied_must_be_finite_too(tiny_qwen2: Path, tmp_path: Path, name: str) -> None:
    model = with_value(tiny_qwen2, tmp_path / "m", name, float("nan"))
    with pytest.raises(ModelError, match=rf"{name} .* holds NaN or infinity"):
        compress(model, RTN(RTNParams(keep="layers.2.")), FEW, tmp_path / "a")


def test_the_check_looks_at_every_part_of_a_tensor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "CHECKED", 5)
    assert blocks._finite(torch.ones(3, 4))
    assert blocks._finite(torch.ones(3, 4).to(torch.float8_e4m3fn))
    assert blocks._finite(torch.ones(3, 4, dtype=torch.int64))
    for place in (0, 6, 11):
        assert not blocks._finite(torch.ones(12).index_fill(0, torch.tensor([place]), float("-inf")))


class Broken(RTN):
    """Breaks its promise in one way."""

    how = ""

    def compress_linears(
        self, weights: Mapping[str, torch.Tensor], hessian: torch.Tensor | None, decisions: Mapping[str, Decision]
    ) -> dict[str, QLR]:
        results = super().compress_linears(weights, hessian, decisions)
        first = next(iter(results))
        if self.how == "forgets a layer":
            del results[first]
        elif self.how == "changes its mind":
            results[first].decision = Decision(bits=7)
        elif self.how == "drops columns":
            results[first].q.codes = results[first].q.codes[:, 1:]
        elif self.how == "overflows":
            results[first].q.scales = results[first].q.scales * float("inf")
        elif self.how == "returns weights":
            return {name: torch.zeros(2, 2) for name in results}  # type: ignore[misc]
        return results


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("forgets a layer", "the compressor returned"),
        ("changes its mind", "not compressed as planned"),
        ("drops columns", "q is not the 96 columns of 4 bits"),
        ("overflows", "exceeds the float16 range"),
        ("returns weights", "not compressed as planned"),
    ],
)
def test_a_compressor_that_breaks_its_promise_is_blamed(
    tiny_qwen2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str, message: str
) -> None:
    monkeypatch.setattr(Broken, "how", how)
    with pytest.raises(PluginError, match=message):
        compress(tiny_qwen2, Broken(RTNParams()), FEW, tmp_path / "a")


def test_a_wrong_config_is_named(tiny_qwen2: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_qwen2, tmp_path / "m")
    config = json.loads((tmp_path / "m" / "config.json").read_text())
    (tmp_path / "m" / "config.json").write_text(json.dumps({**config, "intermediate_size": 100}))
    with pytest.raises(ModelError, match=r"9 weights of the model .* have a shape that the config does not"):
        compress(tmp_path / "m", CalibratedRTN(RTNParams()), CalibrationSource(texts=TEXTS), tmp_path / "a")
