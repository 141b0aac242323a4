"""Content addresses: one canonical JSON hash for keys, and digests of files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.store.files import open_regular


def key_of(value: Any) -> str:
    """sha256 (hex) of the canonical JSON of `value`: sorted keys, no white space, no NaN."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def digest_file(file: Path, start: int = 0, end: int | None = None) -> str:
    digest = hashlib.sha256()
    with open_regular(file) as stream:
        stream.seek(start)
        left = (file.stat().st_size if end is None else end) - start
        while left > 0 and (chunk := stream.read(min(left, 1 << 22))):
            digest.update(chunk)
            left -= len(chunk)
    return digest.hexdigest()


def params_files(params: Mapping[str, Any]) -> dict[str, str]:
    """Digest of each file whose path is a parameter's value, alone or joined to others by "+"."""
    named = [part for value in params.values() if isinstance(value, str) for part in value.split("+")]
    return {name: hashlib.sha256(Path(name).read_bytes()).hexdigest() for name in named if _is_file(name)}


def _is_file(name: str) -> bool:
    try:
        return Path(name).is_file()
    except (OSError, ValueError):  # too long for a name, or no name at all
        return False
