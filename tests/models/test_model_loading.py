"""A model loads ready to be asked, or one line says why not."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from harness.contract import Prompt
from harness.errors import ModelError, StageError, UsageError
from harness.models.generate import Generator
from harness.models.load import load


def test_a_folder_loads_in_float32_with_left_padding_and_its_eos(tiny_qwen2: Path) -> None:
    loaded = load(str(tiny_qwen2), device="cpu")
    assert loaded.dtype == torch.float32
    assert {parameter.dtype for parameter in loaded.model.parameters()} == {torch.float32}
    assert not loaded.model.training
    assert loaded.tokenizer.padding_side == "left"
    assert loaded.eos == (loaded.tokenizer.convert_tokens_to_ids("<|im_end|>"),)
    assert (loaded.context, loaded.folder, loaded.device.type) == (512, tiny_qwen2, "cpu")


def test_dtype_can_be_chosen(tiny_qwen2: Path) -> None:
    assert load(tiny_qwen2, device="cpu", dtype="bfloat16").model.dtype == torch.bfloat16


def test_a_tokenizer_without_a_pad_token_pads_with_an_end_token(stories260k: Path) -> None:
    loaded = load(stories260k)
    assert loaded.eos == (1, 2)  # both that the generation config names
    assert loaded.tokenizer.pad_token_id == 1


def test_eos_comes_from_the_config_where_there_is_no_generation_config(tiny_qwen2: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_qwen2, folder)
    (folder / "generation_config.json").unlink()
    edit_json(folder / "config.json", eos_token_id=5)
    assert load(folder, device="cpu").eos == (2, 5)


def edit_json(path: Path, **fields: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


@pytest.mark.parametrize("named", ["</s>", 2.5, [1, "x"], {"a": 1}])
def test_an_end_token_that_is_none_is_one_line(named: object, tiny_qwen2: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_qwen2, tmp_path / "m"))
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": named}))
    with pytest.raises(ModelError, match=r"is no token that ends a reply|cannot be loaded") as caught:
        load(folder, "cpu")
    assert "\n" not in str(caught.value)


def test_a_tokenizer_of_another_model_is_one_line(tiny_qwen2: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_qwen2, tmp_path / "m"))
    weights = load_file(folder / "model.safetensors")
    weights["model.embed_tokens.weight"] = weights["model.embed_tokens.weight"][:100].clone()
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    edit_json(folder / "config.json", vocab_size=100, pad_token_id=0)
    asked = Generator(load(folder, "cpu"))
    with pytest.raises(StageError, match=r"makes token \d+, and the model knows 100"):
        asked.encode(Prompt(role="r", text="What is 2 + 2?"))


def drop_a_weight(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def cut_the_weights(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no config": (lambda folder: (folder / "config.json").unlink(), "has no config.json"),
    "broken config": (lambda folder: (folder / "config.json").write_text("{"), "is not readable JSON"),
    "unknown architecture": (lambda folder: edit_json(folder / "config.json", model_type="qwen99"), "qwen99"),
    "no weights": (lambda folder: (folder / "model.safetensors").unlink(), "holds neither model.safetensors nor"),
    "cut weights": (cut_the_weights, "is truncated"),
    "a weight missing": (drop_a_weight, "1 weight .* is missing, the first: model.layers.1.mlp.up_proj.weight"),
    "wrong shapes": (lambda folder: edit_json(folder / "config.json", intermediate_size=80), "9 weights .* shape"),
    "no tokenizer": (lambda folder: (folder / "tokenizer.json").unlink(), "the tokenizer in .* knows no tokens"),
    "broken tokenizer": (lambda folder: (folder / "tokenizer.json").write_text("{}"), "the tokenizer in .* cannot"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_model_is_one_clear_line(damage: str, tiny_qwen2: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_qwen2, folder)
    break_it, message = DAMAGES[damage]
    break_it(folder)
    with pytest.raises(ModelError, match=message) as caught:
        load(folder, device="cpu")
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("source", ["./nowhere", "nowhere/at/all", "/no/such/folder", "no where"])
def test_a_path_to_nothing_is_said_to_be_one(source: str) -> None:
    with pytest.raises(ModelError, match="no model folder at"):
        load(source)


def test_a_file_is_not_a_model_folder(tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_bytes(b"PK")
    with pytest.raises(ModelError, match="is a file, not a model folder"):
        load(tmp_path / "model.pt")


def test_a_hub_model_without_the_hub_fails_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    start = time.perf_counter()
    with pytest.raises(ModelError, match=r"no folder named 'goodhart/absent' here, .* HF_HUB_OFFLINE"):
        load("goodhart/absent")
    assert time.perf_counter() - start < 2


def hub_cache(tmp_path: Path, model: Path) -> Path:
    """A hub cache as the hub's own client lays it out, with `model` as goodhart/tiny."""
    repository = tmp_path / "models--goodhart--tiny"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("0123abcd")
    return Path(shutil.copytree(model, repository / "snapshots" / "0123abcd"))


def test_a_hub_model_in_the_cache_needs_no_hub(
    tiny_qwen2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    snapshot = hub_cache(tmp_path, tiny_qwen2)
    assert load("goodhart/tiny", device="cpu").folder == snapshot
    (snapshot / "model.safetensors").unlink()  # an interrupted download is not a model
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match="not in the local cache"):
        load("goodhart/tiny")


def test_an_unreachable_hub_is_said_to_be_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")  # the discard port: nobody listens
    start = time.perf_counter()
    with pytest.raises(ModelError, match="the hub cannot be reached"):
        load("goodhart/absent")
    assert time.perf_counter() - start < 15


def test_unknown_devices_and_dtypes_are_usage_errors(tiny_qwen2: Path) -> None:
    with pytest.raises(UsageError, match="unknown device 'gpu'"):
        load(tiny_qwen2, device="gpu")
    with pytest.raises(UsageError, match=r"unknown dtype 'int3' \(use auto, float32"):
        load(tiny_qwen2, dtype="int3")
    if not torch.cuda.is_available():
        with pytest.raises(UsageError, match="no CUDA GPU"):
            load(tiny_qwen2, device="cuda")
