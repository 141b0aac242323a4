"""One rule says which files of a folder are the model, for loading, digests, bytes, compression and verification."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from harness.checkpoints.checkpoint import open_checkpoint, stored_bytes
from harness.checkpoints.digest import model_digest
from harness.checkpoints.shards import FolderRemote, streamed_folder
from harness.checkpoints.weight_files import INDEX, SINGLE
from harness.errors import ModelError
from harness.models.load import load

FIRST = "model.layers.0.mlp.up_proj.weight"


@pytest.fixture
def model(tiny_qwen2: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_qwen2, tmp_path / "model"))


def older_shards(folder: Path) -> None:
    """An index and a shard of other weights, left behind by an earlier save."""
    older = {name: tensor + 1 for name, tensor in load_file(folder / SINGLE).items()}
    save_file(older, folder / "model-00001-of-00001.safetensors", metadata={"format": "pt"})
    labels = dict.fromkeys(older, "model-00001-of-00001.safetensors")
    (folder / INDEX).write_text(json.dumps({"weight_map": labels}))


def an_index_of_shards_long_gone(folder: Path) -> None:
    older_shards(folder)
    (folder / "model-00001-of-00001.safetensors").unlink()


def consolidated(folder: Path) -> None:
    shutil.copy(folder / SINGLE, folder / "consolidated.safetensors")


def a_gguf(folder: Path) -> None:
    (folder / "model-q4.gguf").write_bytes(b"GGUF")


def pickles(folder: Path) -> None:
    torch.save({}, folder / "pytorch_model.bin")


@pytest.mark.parametrize("add", [older_shards, an_index_of_shards_long_gone, consolidated, a_gguf, pickles])
def test_files_beside_the_single_file_change_nothing(
    add: Callable[[Path], None], model: Path, tiny_qwen2: Path, tmp_path: Path
) -> None:
    add(model)
    assert stored_bytes(model) == (model / SINGLE).stat().st_size
    assert model_digest(model) == model_digest(tiny_qwen2)
    stored = load_file(model / SINGLE)
    torch.testing.assert_close(load(model, "cpu").model.state_dict()[FIRST], stored[FIRST].float())
    assert {tensor.file.name for tensor in open_checkpoint(model).tensors.values()} == {SINGLE}
    streamed = streamed_folder(FolderRemote(model), tmp_path / "streamed")
    assert stored_bytes(streamed) == stored_bytes(model)
    assert model_digest(streamed) == model_digest(model)


def test_a_consolidated_file_beside_shards_is_not_counted(tiny_qwen2: Path, tmp_path: Path) -> None:
    loaded = load(tiny_qwen2, "cpu")
    loaded.model.save_pretrained(tmp_path / "m", max_shard_size="100KB")
    loaded.tokenizer.save_pretrained(tmp_path / "m")
    shards = sum(file.stat().st_size for file in (tmp_path / "m").glob("model-*.safetensors"))
    shutil.copy(tiny_qwen2 / SINGLE, tmp_path / "m" / "consolidated.safetensors")
    assert stored_bytes(tmp_path / "m") == shards


def test_the_file_that_the_config_names_is_the_model(model: Path) -> None:
    save_file(
        {name: tensor + 1 for name, tensor in load_file(model / SINGLE).items()},
        model / "other.safetensors",
        metadata={"format": "pt"},
    )
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps({**config, "transformers_weights": "other.safetensors"}))
    assert stored_bytes(model) == (model / "other.safetensors").stat().st_size
    stored = load_file(model / "other.safetensors")
    torch.testing.assert_close(load(model, "cpu").model.state_dict()[FIRST], stored[FIRST].float())
    (model / "other.safetensors").unlink()
    with pytest.raises(ModelError, match=r"names other\.safetensors as its weights, which is missing"):
        model_digest(model)


def instead(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / SINGLE).rename(folder / name)


def half_there(folder: Path) -> None:
    older_shards(folder)
    labels = json.loads((folder / INDEX).read_text())["weight_map"] | {"lm_head.weight": "model-2.safetensors"}
    (folder / INDEX).write_text(json.dumps({"weight_map": labels}))
    (folder / SINGLE).unlink()


def outside(folder: Path) -> None:
    (folder / INDEX).write_text(json.dumps({"weight_map": {FIRST: "../elsewhere.safetensors"}}))
    (folder / SINGLE).unlink()


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "half the shards": (half_there, "model-2.safetensors is missing: 1 of 2 weight files"),
    "shards elsewhere": (outside, "has no usable weight_map"),
    "pickles": (instead("pytorch_model.bin"), r"but pickled weights \(.bin\): pytorch_model.bin"),
    "consolidated alone": (instead("consolidated.safetensors"), "safetensors of other names: consolidated"),
    "a variant": (instead("model.fp16.safetensors"), "safetensors of other names: model.fp16.safetensors"),
    "shards without an index": (instead("model-00001-of-00001.safetensors"), "is model.safetensors.index.json missing"),
    "an adapter alone": (instead("adapter_model.safetensors"), "but an adapter: adapter_model.safetensors"),
    "an adapter beside it": (lambda folder: (folder / "adapter_config.json").write_text("{}"), "model and an adapter"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_read_is_refused_by_all_alike(kind: str, model: Path) -> None:
    damage, message = REFUSED[kind]
    damage(model)
    for reader in (model_digest, stored_bytes, open_checkpoint, load):
        with pytest.raises(ModelError, match=message) as caught:
            reader(model)
        assert "\n" not in str(caught.value)
