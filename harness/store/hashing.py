"""Content addresses: one canonical JSON hash for keys, and digests of source trees read without importing them."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

SOURCE_SUFFIXES = {".py", ".toml", ".json", ".jsonl", ".txt"}

COMPRESSION_CODE = ("checkpoints", "compression")  # the core's part in an artefact


def key_of(value: Any) -> str:
    """sha256 (hex) of the canonical JSON of `value`: sorted keys, no white space, no NaN."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def digest_file(file: Path, start: int = 0, end: int | None = None) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        stream.seek(start)
        left = (file.stat().st_size if end is None else end) - start
        while left > 0 and (chunk := stream.read(min(left, 1 << 22))):
            digest.update(chunk)
            left -= len(chunk)
    return digest.hexdigest()


@lru_cache
def source_digest(target: str) -> str:
    """Digest of the code behind "package.module:attribute": every source and data file of its folder.

    A target in a package is digested with all that lies beside and below its module; a top-level module alone.
    """
    module = target.partition(":")[0]
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"no module {module!r}")
    origin = Path(spec.origin)
    in_package = "." in module or origin.name == "__init__.py"
    return tree_digest(origin.parent) if in_package else files_digest([origin], origin.parent)


@lru_cache
def tree_digest(folder: Path) -> str:
    return files_digest(sorted(path for path in folder.rglob("*") if path.suffix in SOURCE_SUFFIXES), folder)


def files_digest(files: list[Path], root: Path) -> str:
    digest = hashlib.sha256()
    for path in files:
        digest.update(str(path.relative_to(root)).encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def params_files(params: Mapping[str, Any]) -> dict[str, str]:
    """Digest of each file that a parameter names by its path, alone or joined to others by "+"."""
    named = [part for value in params.values() if isinstance(value, str) for part in value.split("+")]
    return {name: hashlib.sha256(Path(name).read_bytes()).hexdigest() for name in named if _is_file(name)}


def _is_file(name: str) -> bool:
    try:
        return Path(name).is_file()
    except (OSError, ValueError):  # too long for a name, or no name at all
        return False


def core_digest(*parts: str) -> str:
    """Digest of some rooms of the core (folders or files below `harness/`), for the stages whose work they do."""
    root = Path(__file__).parent.parent
    digest = hashlib.sha256()
    for part in parts:
        path = root / part
        digest.update((tree_digest(path) if path.is_dir() else files_digest([path], root)).encode())
    return digest.hexdigest()
