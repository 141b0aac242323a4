"""Where things lie on this machine: the shared cache (HARNESS_CACHE, else the user's cache folder) and the run folders."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    if override := os.environ.get("HARNESS_CACHE"):
        return Path(override).expanduser().resolve()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "goodhart-harness"


def artefact_folder(key: str) -> Path:
    """The folder of one trained or compressed model, by its stage key."""
    return cache_folder() / "artefacts" / key[:32]


def source_logits_file(key: str) -> Path:
    """What an untouched model foretells of a suite's texts, by key."""
    return cache_folder() / "source-logits" / f"{key[:32]}.safetensors"
