"""What compressors make, as an ordinary checkpoint for the backends that load no other (vLLM, SGLang)."""

from __future__ import annotations

import shutil
from pathlib import Path

from harness.checkpoints.manifest import MARKER, read_manifest
from harness.store.cache import mark_used
from harness.store.locks import exclusive_lock
from harness.store.paths import cache_folder


def dense_form(artefact: Path, dtype: str) -> Path:
    """The artefact's dense export in the cache, written at the first call. Any other model folder, one in a library's own
    format as well, is returned as it is.

    `dtype`: of its tensors; "auto" is bfloat16, as in `harness export`.
    """
    if not (artefact / MARKER).is_file() or read_manifest(artefact).foreign:
        return artefact
    import torch

    from harness.compression.export import export_dense

    stored = "bfloat16" if dtype == "auto" else dtype
    out = cache_folder() / "dense" / f"{artefact.name}-{stored}"
    with exclusive_lock(out):
        if not out.is_dir():
            begun = out.with_name(f"{out.name}.begun")  # what a kill left is written anew
            shutil.rmtree(begun, ignore_errors=True)
            export_dense(artefact, begun, getattr(torch, stored))
            begun.rename(out)
    mark_used(out)
    return out
