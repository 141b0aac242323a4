"""A Hugging Face model folder, read without torch: which tensors it holds, where, and which of them can be compressed.

A safetensors file is an 8-byte little-endian length, that many bytes of JSON ({name: {dtype, shape, data_offsets}}),
then the tensors' bytes (https://github.com/huggingface/safetensors, "Format").
"""

from __future__ import annotations

import json
import math
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.checkpoints.shards import LARGEST_HEADER, header_of, local, names_at_hand
from harness.checkpoints.weight_files import read_json, weight_files
from harness.errors import ModelError
from harness.store.files import open_regular
from harness.store.hashing import digest_file

ARTEFACT_TYPE = "harness_qlr"  # model_type of our own artefacts, see harness.checkpoints.quantizer

ITEM_BYTES = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2,
    "I32": 4, "U32": 4, "F32": 4, "I64": 8, "U64": 8, "F64": 8,
}  # fmt: skip
COMPANIONS = (  # what a folder holds besides weights and config.json
    "generation_config.json", "tokenizer.json", "tokenizer_config.json", "tokenizer.model", "special_tokens_map.json",
    "added_tokens.json", "vocab.json", "merges.txt", "chat_template.jinja", "chat_template.json",
)  # fmt: skip

BLOCK = re.compile(r"^(?P<stack>(?:.+\.)?(?:layers|h))\.(?P<block>\d+)\.(?P<inner>.+)$")
TRANSPOSED = frozenset({"gpt2", "openai-gpt"})  # model types whose Conv1D stores (in, out)


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
    """`config` as written, every tensor of every weight file."""

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
    """Read config.json and the header of every weight file of `folder`.

    Raises:
        ModelError: a file is missing, truncated or not what its label says; the message names it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ModelError(f"no model folder at {folder}", "give a folder with config.json and safetensors files")
    names, labels = weight_files(folder, names_at_hand(folder))
    config, files = read_json(folder / "config.json"), tuple(folder / name for name in names)
    tensors: dict[str, StoredTensor] = {}
    for file in files:
        for name, tensor in read_header(file).items():
            if name in tensors:
                raise ModelError(f"{name} is stored twice, in {tensors[name].file.name} and {file.name} of {folder}")
            tensors[name] = tensor
    for name, label in labels.items():
        if name not in tensors or tensors[name].file.name != Path(label).name:
            raise ModelError(f"the index in {folder} says {label} holds {name}, but it does not", "download it again")
    return Checkpoint(folder, config, tensors, files)


def is_packed(folder: Path) -> bool:
    """Whether `folder` holds an artefact of ours, Linears packed as Q + L·R."""
    return (folder / "config.json").is_file() and read_json(folder / "config.json").get("model_type") == ARTEFACT_TYPE


def read_header(file: Path) -> dict[str, StoredTensor]:
    """Tensors of one safetensors file, in the order of their bytes; their extents are checked against its size."""
    remedy = "the file is damaged or incomplete: fetch or write it again"
    try:
        header_file, size = header_of(file)
        with open_regular(header_file) as stream:
            prefix = stream.read(8)
            length = struct.unpack("<Q", prefix)[0] if len(prefix) == 8 else -1
            if not 0 < length <= size - 8:
                raise ModelError(f"{file} is not a safetensors file: its header does not fit its {size} bytes", remedy)
            if length > LARGEST_HEADER:
                raise ModelError(f"{file} has a header of {length} bytes; the format allows {LARGEST_HEADER}", remedy)
            header = json.loads(stream.read(length))
        tensors = [_stored(file, 8 + length, name, entry) for name, entry in header.items() if name != "__metadata__"]
    except FileNotFoundError as error:
        raise ModelError(f"{file} is missing", "fetch or write it again") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
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


def stored_bytes(folder: Path) -> int:
    """Bytes of the weight files of `folder`."""
    folder = Path(folder)
    return sum(header_of(folder / name)[1] for name in weight_files(folder, names_at_hand(folder))[0])


def _stored(file: Path, origin: int, name: str, entry: Mapping[str, Any]) -> StoredTensor:
    if entry["dtype"] not in ITEM_BYTES:
        raise ModelError(f"{file}: {name} has the unknown dtype {entry['dtype']}")
    start, end = entry["data_offsets"]
    return StoredTensor(name, entry["dtype"], tuple(entry["shape"]), file, origin + start, origin + end)
