"""A Hugging Face model folder, read without torch: which tensors it holds, where, and which of them can be compressed.

A safetensors file is an 8-byte little-endian length, that many bytes of JSON ({name: {dtype, shape, data_offsets}}),
then the tensors' bytes (https://github.com/huggingface/safetensors, "Format").
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.contract import LinearShape, ModelShape
from harness.errors import ModelError
from harness.paths import cache_folder
from harness.shards import HEADER, header_of, local, remote_model

INDEX = "model.safetensors.index.json"
SINGLE = "model.safetensors"
ARTEFACT_TYPE = "harness_qlr"  # model_type of our own artefacts, see harness.models.quantizer

ITEM_BYTES = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2,
    "I32": 4, "U32": 4, "F32": 4, "I64": 8, "U64": 8, "F64": 8,
}  # fmt: skip
HEADER_ENTRY = 96  # bytes, at most, of {dtype, shape, data_offsets} beside a tensor's name
HEADER_FILE = 64  # … of a file's length, metadata and padding
PACKED_PARTS = 6  # codes and scales of Q, L and R
WEIGHT_DTYPES = frozenset({"F16", "BF16", "F32", "F64"})
COMPANIONS = (  # what a folder carries beside weights and config.json
    "generation_config.json", "tokenizer.json", "tokenizer_config.json", "tokenizer.model", "special_tokens_map.json",
    "added_tokens.json", "vocab.json", "merges.txt", "chat_template.jinja", "chat_template.json",
)  # fmt: skip

BLOCK = re.compile(r"^(?P<stack>(?:.+\.)?(?:layers|h))\.(?P<block>\d+)\.(?P<inner>.+)$")
SAME_INPUT = ({"q_proj", "k_proj", "v_proj"}, {"gate_proj", "up_proj"})
TRANSPOSED = frozenset({"gpt2", "openai-gpt"})  # model types whose Conv1D stores (in, out)
EXPERTS = re.compile(r"\.experts?\.|\.(block_sparse_moe|moe)\.")
EXPERT_COUNTS = ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts")


@dataclass(frozen=True)
class StoredTensor:
    """A tensor's place: bytes `start` to `end` of `file`."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    file: Path
    start: int
    end: int

    @property
    def bytes(self) -> int:
        return self.end - self.start

    def sha256(self) -> str:
        """Of the raw bytes as they lie in the file."""
        return digest_file(local(self.file), self.start, self.end)


@dataclass(frozen=True)
class Checkpoint:
    """`config` as written, every tensor of every shard."""

    folder: Path
    config: Mapping[str, Any]
    tensors: Mapping[str, StoredTensor]
    files: tuple[Path, ...]

    @property
    def model_type(self) -> str:
        return str(self.config.get("model_type", "unknown"))

    @property
    def transposed(self) -> bool:
        """Whether decoder Linears are stored (in, out)."""
        return self.model_type in TRANSPOSED

    @cached_property
    def stack(self) -> str:
        """Name of the list of decoder blocks: "model.layers", "transformer.h" …"""
        stacks = {match["stack"] for name in self.tensors if (match := BLOCK.match(name))}
        if len(stacks) != 1:
            found = ", ".join(sorted(stacks)) or "none"
            raise ModelError(
                f"{self.folder}: expected one stack of decoder blocks, found {found}",
                "decoder-only language models with blocks named layers.N or h.N can be compressed",
            )
        return stacks.pop()

    def of_block(self, block: int) -> list[str]:
        """Names of the tensors of one decoder block, in file order."""
        prefix = f"{self.stack}.{block}."
        return [name for name in self.tensors if name.startswith(prefix)]

    def outside_blocks(self) -> list[str]:
        return [name for name in self.tensors if not name.startswith(f"{self.stack}.")]


def open_checkpoint(folder: Path) -> Checkpoint:
    """Read config.json and every safetensors header of `folder`.

    Raises:
        ModelError: a file is missing, truncated or not what its label says; the message names it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ModelError(f"no model folder at {folder}", "give a folder with config.json and safetensors files")
    config = _read_json(folder / "config.json")
    files, labels = _shards(folder)
    tensors: dict[str, StoredTensor] = {}
    for file in files:
        for name, tensor in read_header(file).items():
            if name in tensors:
                raise ModelError(f"{name} is stored twice, in {tensors[name].file.name} and {file.name} of {folder}")
            tensors[name] = tensor
    for name, label in labels.items():
        if name not in tensors or tensors[name].file.name != Path(label).name:
            raise ModelError(f"{folder / INDEX} says {label} holds {name}, but it does not", "download the model again")
    return Checkpoint(folder, config, tensors, files)


def read_header(file: Path) -> dict[str, StoredTensor]:
    """Tensors of one safetensors file, in the order of their bytes; their extents are checked against its size."""
    remedy = "the file is damaged or incomplete: fetch or write it again"
    try:
        header_file, size = header_of(file)
        with header_file.open("rb") as stream:
            prefix = stream.read(8)
            length = struct.unpack("<Q", prefix)[0] if len(prefix) == 8 else -1
            if not 0 < length <= size - 8:
                raise ModelError(f"{file} is not a safetensors file: its header does not fit its {size} bytes", remedy)
            header = json.loads(stream.read(length))
        tensors = [_stored(file, 8 + length, name, entry) for name, entry in header.items() if name != "__metadata__"]
    except FileNotFoundError as error:
        raise ModelError(f"{file} is missing", "fetch or write it again") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{file} is not a readable safetensors file: {error}", remedy) from error
    tensors.sort(key=lambda tensor: (tensor.start, tensor.end))
    end = 8 + length
    for tensor in tensors:
        if tensor.start != end or tensor.bytes != math.prod(tensor.shape) * ITEM_BYTES[tensor.dtype]:
            raise ModelError(f"{file}: the extent of {tensor.name} contradicts its shape or its neighbours", remedy)
        end = tensor.end
    if end != size:
        raise ModelError(f"{file} is truncated: its header promises {end} bytes, it has {size}", remedy)
    return {tensor.name: tensor for tensor in tensors}


def read_shape(folder: Path) -> ModelShape:
    """The Linears of the decoder blocks of `folder`, by block and name, with rows = outputs and columns = inputs."""
    return shape_of(open_checkpoint(folder))


def shape_of(checkpoint: Checkpoint) -> ModelShape:
    _refuse_unsupported(checkpoint)
    stack = f"{checkpoint.stack}."
    linears = [
        linear for name in checkpoint.tensors if name.startswith(stack) and (linear := _linear(checkpoint, name))
    ]
    if not linears:
        raise ModelError(f"{checkpoint.folder} has no Linear in a decoder block", "is it a causal language model?")
    linears.sort(key=lambda linear: (linear.block, linear.name))
    blocks = linears[-1].block + 1
    config = checkpoint.config
    stated = config.get("num_hidden_layers", config.get("n_layer", blocks))
    if {linear.block for linear in linears} != set(range(stated)):
        raise ModelError(
            f"{checkpoint.folder}: config.json states {stated} blocks, the weights hold {blocks}",
            "a shard may be missing",
        )
    hidden = config.get("hidden_size", config.get("n_embd"))
    if not isinstance(hidden, int):
        raise ModelError(f"{checkpoint.folder / 'config.json'} states no hidden_size", "is it a causal language model?")
    return ModelShape(
        blocks=blocks, hidden=hidden, linears=tuple(linears), overhead=_overhead(checkpoint, blocks, linears)
    )


def _overhead(checkpoint: Checkpoint, blocks: int, linears: list[LinearShape]) -> int:
    """Bytes of all other tensors, and of the headers of an artefact's files with every Linear packed."""
    packed = {f"{linear.name}.weight" for linear in linears}
    others = [tensor for name, tensor in checkpoint.tensors.items() if name not in packed]
    entries = [
        *(len(tensor.name) for tensor in others),
        *(len(name) + 2 for name in packed for _ in range(PACKED_PARTS)),
    ]
    headers = sum(length + HEADER_ENTRY for length in entries) + HEADER_FILE * (blocks + 1 + len(checkpoint.files))
    return sum(tensor.bytes for tensor in others) + headers


def stored_bytes(folder: Path) -> int:
    """Bytes of all safetensors files of `folder`."""
    return sum(file.stat().st_size for file in Path(folder).glob("*.safetensors"))


def model_digest(folder: Path) -> str:
    """sha256 over the names and contents of config.json, tokenizer and generation files and safetensors.

    Each file's digest is remembered under the cache folder by path, size and modification time.
    """
    checkpoint = open_checkpoint(folder)
    names = ["config.json", *(name for name in COMPANIONS if (checkpoint.folder / name).is_file())]
    files = [*(checkpoint.folder / name for name in names), *checkpoint.files]
    remote = remote_model(checkpoint.folder)
    known = {name: shard.sha256 for name, shard in remote.shards.items()} if remote else {}
    names = [file.relative_to(checkpoint.folder).as_posix() for file in files]
    return digest_json({name: known.get(name) or _cached_digest(file) for name, file in zip(names, files, strict=True)})


def digest_json(value: Any) -> str:
    """sha256 of `value` as canonical JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def digest_file(file: Path, start: int = 0, end: int | None = None) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        stream.seek(start)
        left = (file.stat().st_size if end is None else end) - start
        while left > 0 and (chunk := stream.read(min(left, 1 << 22))):
            digest.update(chunk)
            left -= len(chunk)
    return digest.hexdigest()


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError(f"{path} is missing", "is this a Hugging Face model folder?") from error
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} is not readable JSON: {error}", "fetch or write it again") from error
    if not isinstance(value, dict):
        raise ModelError(f"{path} does not hold a JSON object", "fetch or write it again")
    return value


def _shards(folder: Path) -> tuple[tuple[Path, ...], Mapping[str, str]]:
    """(files, the index's claims: tensor -> file name)."""
    if (folder / INDEX).is_file():
        labels = _read_json(folder / INDEX).get("weight_map")
        if not isinstance(labels, dict) or not labels:
            raise ModelError(f"{folder / INDEX} has no weight_map", "download the model again")
        return tuple(folder / name for name in sorted(set(labels.values()))), labels
    if (folder / SINGLE).is_file() or (folder / f"{SINGLE}{HEADER}").is_file():
        return (folder / SINGLE,), {}
    pickled = any(folder.glob("pytorch_model*.bin"))
    remedy = "convert it with save_pretrained(safe_serialization=True)" if pickled else "is the download complete?"
    raise ModelError(f"{folder} holds neither {SINGLE} nor {INDEX}", remedy)


def _stored(file: Path, origin: int, name: str, entry: Mapping[str, Any]) -> StoredTensor:
    if entry["dtype"] not in ITEM_BYTES:
        raise ModelError(f"{file}: {name} has the unknown dtype {entry['dtype']}")
    start, end = entry["data_offsets"]
    return StoredTensor(name, entry["dtype"], tuple(entry["shape"]), file, origin + start, origin + end)


def _linear(checkpoint: Checkpoint, tensor: str) -> LinearShape | None:
    """The LinearShape behind `tensor`, or None if it is not the weight of a decoder block's Linear."""
    match, stored = BLOCK.match(tensor), checkpoint.tensors[tensor]
    if not match or not tensor.endswith(".weight") or len(stored.shape) != 2:
        return None
    if stored.dtype not in WEIGHT_DTYPES:
        raise ModelError(f"{tensor} is stored as {stored.dtype}", "give the original floating-point model")
    name = tensor.removesuffix(".weight")
    kind = name.rpartition(".")[2]
    rows, columns = reversed(stored.shape) if checkpoint.transposed else stored.shape
    width = 8 * ITEM_BYTES[stored.dtype]
    return LinearShape(
        name=name,
        kind=kind,
        block=int(match["block"]),
        rows=rows,
        columns=columns,
        group=input_group(name),
        width=width,
    )


def input_group(name: str) -> str:
    """What the Linears that share an input with the Linear `name` are called together: "…self_attn.k_proj+q_proj+v_proj"."""
    parent, _, kind = name.rpartition(".")
    siblings = next((kinds for kinds in SAME_INPUT if kind in kinds), None)
    return f"{parent}.{'+'.join(sorted(siblings))}" if siblings else name


def _refuse_unsupported(checkpoint: Checkpoint) -> None:
    folder, config = checkpoint.folder, checkpoint.config
    if checkpoint.model_type == ARTEFACT_TYPE or config.get("quantization_config"):
        raise ModelError(f"{folder} is already quantized", "compress the original model instead")
    experts = any((config.get(key) or 0) > 1 for key in EXPERT_COUNTS) or any(map(EXPERTS.search, checkpoint.tensors))
    if experts:
        raise ModelError(
            f"{folder} ({checkpoint.model_type}) is a mixture-of-experts model", "only dense models can be"
        )


def _cached_digest(file: Path) -> str:
    path, stat = file.resolve(), file.stat()
    stamp = {"path": str(path), "size": stat.st_size, "mtime_ns": stat.st_mtime_ns}
    memo = cache_folder() / "digests" / f"{hashlib.sha256(str(path).encode()).hexdigest()}.json"
    try:
        known = json.loads(memo.read_text())
        if isinstance(known, dict) and {key: known.get(key) for key in stamp} == stamp:
            return str(known["sha256"])
    except (OSError, ValueError, KeyError):
        pass  # no memory of this file: hash it
    digest = digest_file(file)
    try:
        memo.parent.mkdir(parents=True, exist_ok=True)
        partial = memo.with_suffix(f".{os.getpid()}.tmp")
        partial.write_text(json.dumps({**stamp, "sha256": digest}))
        partial.replace(memo)
    except OSError:
        pass  # a cache that cannot be written costs time, not correctness
    return digest


def groups_of(linears: Iterable[LinearShape]) -> Iterator[tuple[str, list[LinearShape]]]:
    """Linears by shared input, in order of first appearance."""
    groups: dict[str, list[LinearShape]] = {}
    for linear in linears:
        groups.setdefault(linear.group, []).append(linear)
    yield from groups.items()
