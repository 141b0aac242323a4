"""From the name of a model to a folder with a digest: registry entry, local folder or hub id. Imports no torch."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from harness.checkpoints.digest import model_digest
from harness.checkpoints.gguf import dequantised, gguf_files, provenance_of
from harness.checkpoints.hub import hub_snapshot, hub_streamed
from harness.checkpoints.shape import read_shape
from harness.contract import ModelShape, Record
from harness.errors import ModelError, NoSuchModel
from harness.registry.backend import Backend
from harness.registry.catalogue import Catalogue, load_catalogue
from harness.registry.plugins import load_plugins
from harness.registry.presets import Model, package_path


class ModelRef(Record):
    """A model whose bytes are known: `digest` covers configuration, tokenizer and weights."""

    name: str
    path: str
    digest: str
    calibration: str = "self"  # a source as `harness.compression.calibration` reads it; paths are absolute
    calibration_digest: str = "self"
    note: str = ""
    backend: Backend | None = None  # the lm-eval backend that samples it; without a path, it also provides the weights


def locate_model(name: str, catalogue: Catalogue, *, streamed: bool = False) -> ModelRef:
    """With `streamed`, a hub model is fetched shard by shard instead of downloaded: enough for compressing.

    Raises:
        ModelError: there is no such model, or it is partial or corrupt, naming the file.
    """
    entry = catalogue.models.get(name)
    folder = _folder(entry.locate() if entry else name, name, catalogue, hub_streamed if streamed else hub_snapshot)
    calibration = _calibration(entry)
    return ModelRef(
        name=name,
        path=str(folder),
        digest=model_digest(folder),
        calibration=calibration,
        calibration_digest=_content_digest(calibration),
        note=" ".join(filter(None, (entry.note if entry else "", _provenance(folder, name)))),
    )


def resolve(name: str) -> Path:
    """The folder behind a registry's model entry ("pocket"), a path or a hub id. Raises ModelError if there is none."""
    return Path(locate_model(name, load_catalogue(load_plugins())).path)


def model_shape(model: ModelRef) -> ModelShape:
    return read_shape(Path(model.path))


def _folder(path: str, name: str, catalogue: Catalogue, from_hub: Callable[[str], Path]) -> Path:
    local = Path(path).expanduser()
    if local.exists() and (files := gguf_files(local)):
        return dequantised(files)
    if local.is_dir():
        return local.resolve()
    if local.is_file():
        raise NoSuchModel(f"model {name!r} is a file, and no .gguf", "give a folder with config.json and safetensors")
    if local.is_absolute() or path.startswith("."):
        raise NoSuchModel(f"model {name!r}: no folder {local}")
    try:
        return from_hub(path)
    except ModelError as error:
        known = ", ".join(sorted(catalogue.models)) or "none"
        raise type(error)(error.cause, error.remedy or f"registry entries: {known}") from None


def _provenance(folder: Path, name: str) -> str:
    found = provenance_of(folder)
    return f"{name} was {found.described}." if found else ""


def _calibration(entry: Model | None) -> str:
    """A file beside the registry or inside a package becomes an absolute path; other sources stay as they are."""
    if entry is None or entry.calibration is None:
        return "self"
    if packaged := package_path(entry.calibration):
        return str(packaged)
    local = Path(entry.folder) / entry.calibration
    return str(local.resolve()) if local.exists() else entry.calibration


def _content_digest(source: str) -> str:
    path = Path(source)
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else source
