"""Reading a model folder without torch: what is found, and what is said when it is not."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from harness.checkpoints.checkpoint import open_checkpoint, stored_bytes
from harness.checkpoints.digest import model_digest
from harness.checkpoints.shape import read_shape
from harness.checkpoints.weight_files import INDEX
from harness.errors import ModelError


@pytest.fixture
def model(tiny_qwen2: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(tiny_qwen2, tmp_path / "model"))


@pytest.fixture
def sharded(tiny_qwen2: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "sharded"
    AutoModelForCausalLM.from_pretrained(tiny_qwen2).save_pretrained(folder, max_shard_size="100KB")
    return folder


def edit_config(folder: Path, **changes: object) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **changes}))


def test_shape_of_a_qwen2(tiny_qwen2: Path) -> None:
    shape = read_shape(tiny_qwen2)
    assert (shape.blocks, shape.hidden, len(shape.linears)) == (3, 64, 21)
    linears = {linear.name: linear for linear in shape.linears}
    down, key = linears["model.layers.2.mlp.down_proj"], linears["model.layers.0.self_attn.k_proj"]
    assert (down.rows, down.columns, down.kind, down.block) == (64, 96, "down_proj", 2)
    assert (key.rows, key.columns) == (32, 64)
    groups = {linear.input_group for linear in shape.linears if linear.block == 1}
    assert len(groups) == 4
    assert key.input_group == linears["model.layers.0.self_attn.q_proj"].input_group
    assert key.input_group != linears["model.layers.0.self_attn.o_proj"].input_group


def test_shape_of_a_transposed_gpt2(shared_data: Path) -> None:
    shape = read_shape(shared_data / "gpt2-tarot")
    linears = {linear.name: linear for linear in shape.linears}
    assert (linears["transformer.h.0.attn.c_attn"].rows, linears["transformer.h.0.attn.c_attn"].columns) == (384, 128)
    assert linears["transformer.h.3.mlp.c_proj"].columns == 512
    assert (shape.blocks, shape.hidden, len(shape.linears)) == (4, 128, 16)


def test_sharded_and_single_file_agree(tiny_qwen2: Path, sharded: Path) -> None:
    assert len(open_checkpoint(sharded).files) > 3
    assert set(read_shape(sharded).linears) == set(read_shape(tiny_qwen2).linears)
    assert stored_bytes(sharded) == sum(file.stat().st_size for file in sharded.glob("*.safetensors"))


def test_tensor_digest_is_of_the_bytes(tiny_qwen2: Path) -> None:
    import hashlib

    name = "model.layers.1.mlp.up_proj.weight"
    tensor = load_file(tiny_qwen2 / "model.safetensors")[name]
    assert open_checkpoint(tiny_qwen2).tensors[name].sha256() == hashlib.sha256(tensor.numpy().tobytes()).hexdigest()


def test_model_digest_follows_content_not_place(
    model: Path, tmp_path: Path, tiny_qwen2: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    first = model_digest(model)
    assert first == model_digest(tiny_qwen2) == model_digest(model)
    assert list((tmp_path / "cache" / "digests").glob("*.json"))
    tensors = load_file(model / "model.safetensors")
    tensors["model.norm.weight"][0] += 1
    save_file(tensors, model / "model.safetensors", metadata={"format": "pt"})
    assert model_digest(model) != first
    changed = model_digest(model)
    monkeypatch.setenv("HARNESS_CACHE", str(model / "config.json"))  # a cache that cannot be written is no obstacle
    assert model_digest(model) == changed


def truncate(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])


def overlong_header(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", 1 << 40) + b"{}")


def not_safetensors(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"hello")


def lying_shape(folder: Path) -> None:
    raw = (folder / "model.safetensors").read_bytes()
    length = struct.unpack("<Q", raw[:8])[0]
    header = raw[8 : 8 + length].replace(b'"shape":[64,96]', b'"shape":[65,96]', 1)
    assert header != raw[8 : 8 + length]
    (folder / "model.safetensors").write_bytes(raw[:8] + header + raw[8 + length :])


def pickled(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def no_block(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    kept = {name: tensor for name, tensor in tensors.items() if ".layers.1." not in name}
    save_file(kept, folder / "model.safetensors")


def two_stacks(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    tensors["model.encoder.layers.0.fc1.weight"] = torch.zeros(4, 4)
    save_file(tensors, folder / "model.safetensors")


def integers(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    tensors["model.layers.0.mlp.up_proj.weight"] = torch.zeros(96, 64, dtype=torch.int8)
    save_file(tensors, folder / "model.safetensors")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (truncate, "model.safetensors is truncated"),
        (overlong_header, "its header does not fit"),
        (not_safetensors, "its header does not fit"),
        (lying_shape, "contradicts its shape"),
        (pickled, r"but pickled weights \(.bin\): pytorch_model.bin"),
        (no_block, "config.json states 3 blocks"),
        (integers, "up_proj.weight is stored as I8"),
        (lambda folder: (folder / "config.json").unlink(), "config.json is missing"),
        (lambda folder: (folder / "config.json").write_text("{"), "not readable JSON"),
        (lambda folder: (folder / "config.json").write_text("[]"), "does not hold a JSON object"),
        (lambda folder: edit_config(folder, num_experts=8), "qwen2.* is a mixture-of-experts"),
        (lambda folder: edit_config(folder, quantization_config={"quant_method": "gptq"}), "already quantized"),
        (lambda folder: edit_config(folder, hidden_size=None), "no hidden_size"),
        (two_stacks, "expected one stack of decoder blocks, found model.encoder.layers, model.layers"),
        (shutil.rmtree, "no model folder"),
    ],
)
def test_damage_is_named(model: Path, damage: Callable[[Path], object], message: str) -> None:
    damage(model)
    with pytest.raises(ModelError, match=message):
        read_shape(model)


def test_mislabelled_and_missing_shards_are_named(sharded: Path) -> None:
    index = json.loads((sharded / INDEX).read_text())
    shards = sorted(set(index["weight_map"].values()))
    name = next(name for name, shard in index["weight_map"].items() if shard == shards[0])
    index["weight_map"][name] = shards[1]
    (sharded / INDEX).write_text(json.dumps(index))
    with pytest.raises(ModelError, match=f"says {shards[1]} holds {name}"):
        read_shape(sharded)
    (sharded / shards[1]).unlink()
    with pytest.raises(ModelError, match=f"{shards[1]} is missing: 1 of {len(shards)} weight files"):
        read_shape(sharded)


def test_planning_imports_no_torch(tiny_qwen2: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from harness.checkpoints.shape import read_shape; "
        "from harness.checkpoints.digest import model_digest; "
        "import harness.checkpoints.manifest; "
        f"read_shape(Path({str(tiny_qwen2)!r})); model_digest(Path({str(tiny_qwen2)!r})); "
        "assert not {'torch', 'transformers', 'safetensors'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
