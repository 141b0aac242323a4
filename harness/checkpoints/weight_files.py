"""Which files of a model folder are its weights. Everyone who reads, counts, digests or loads a model asks here.

The rule is that of transformers: the file that config.json names, else model.safetensors, else the shards of its index.
Other files beside them (consolidated.safetensors, old shards, a GGUF) are not the model. A folder for which
transformers would load something else or for which there is no rule is refused.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from harness.errors import ModelError
from harness.store.files import open_regular

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
ADAPTER = "adapter_config.json"
KINDS = {  # weights that are not read: pattern -> (what they are, remedy)
    "*.gguf": ("GGUF weights", "name the file itself: --model FILE.gguf"),
    "*.bin": ("pickled weights (.bin)", "load it with transformers and save it with save_pretrained, as safetensors"),
    "*.pt*": ("pickled weights (.pt, .pth)", "convert it to the Hugging Face format, as safetensors"),
    "adapter_model.*": ("an adapter", "merge it into its base model with merge_and_unload() and save that"),
    "*.safetensors": ("safetensors of other names", f"is {INDEX} missing?"),
}
LARGEST_JSON = 1 << 27  # bytes


def weight_files(folder: Path, present: Collection[str]) -> tuple[tuple[str, ...], Mapping[str, str]]:
    """(names of the weight files, sorted; what the index claims: tensor -> file). `present` names the files at hand.

    Raises:
        ModelError: there are no safetensors weights, some are missing, or an adapter lies beside them.
    """
    if ADAPTER in present and "config.json" in present:
        raise ModelError(
            f"{folder} holds a model and an adapter ({ADAPTER})", "merge them, or move the adapter to another folder"
        )
    named = read_json(folder / "config.json").get("transformers_weights") if "config.json" in present else None
    single, index = (None, named) if str(named).endswith(".json") else (named, None)
    if named is None:
        single, index = (SINGLE, None) if SINGLE in present else (None, INDEX)
    if single is not None:
        if single not in present:
            raise ModelError(f"config.json of {folder} names {single} as its weights, which is missing")
        return (str(single),), {}
    if index not in present:
        raise _without_weights(folder, present)
    labels = read_json(folder / str(index)).get("weight_map")
    if not isinstance(labels, dict) or not labels or not all(map(_inside, labels.values())):
        raise ModelError(f"{folder / str(index)} has no usable weight_map", "download the model again")
    files = tuple(sorted(set(labels.values())))
    if missing := [file for file in files if file not in present]:
        cause = f"{folder / missing[0]} is missing: {len(missing)} of {len(files)} weight files are not there"
        raise ModelError(cause, "fetch or write them again")
    return files, labels


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file of a model folder, or a ModelError that names the file."""
    try:
        if (size := path.stat().st_size) > LARGEST_JSON:
            raise ModelError(f"{path} has {size} bytes; at most {LARGEST_JSON} are read", "fetch or write it again")
        with open_regular(path) as file:
            value = json.loads(file.read().decode())
    except FileNotFoundError as error:
        raise ModelError(f"{path} is missing", "is this a Hugging Face model folder?") from error
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path} is not readable JSON: {error}", "fetch or write it again") from error
    if not isinstance(value, dict):
        raise ModelError(f"{path} does not hold a JSON object", "fetch or write it again")
    return value


def _inside(name: Any) -> bool:
    return isinstance(name, str) and bool(name) and not name.startswith("/") and ".." not in PurePosixPath(name).parts


def _without_weights(folder: Path, present: Collection[str]) -> ModelError:
    for pattern, (kind, remedy) in KINDS.items():
        if found := sorted(name for name in present if PurePosixPath(name).match(pattern)):
            return ModelError(f"{folder} holds no {SINGLE}, but {kind}: {found[0]}", remedy)
    return ModelError(f"{folder} holds neither {SINGLE} nor {INDEX}", "is the download complete?")
