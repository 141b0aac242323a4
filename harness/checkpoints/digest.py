"""Digests of model folders and files, each kept in the cache by path, size and modification time."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from harness.checkpoints.checkpoint import COMPANIONS, open_checkpoint
from harness.checkpoints.shards import remote_model
from harness.store.hashing import digest_file, key_of
from harness.store.paths import cache_folder


def model_digest(folder: Path) -> str:
    """sha256 over the names and contents of config.json, tokenizer and generation files and safetensors.

    Each file's digest is kept under the cache folder by path, size and modification time.
    """
    checkpoint = open_checkpoint(folder)
    names = ["config.json", *(name for name in COMPANIONS if (checkpoint.folder / name).is_file())]
    files = [*(checkpoint.folder / name for name in names), *checkpoint.files]
    remote = remote_model(checkpoint.folder)
    known = {name: shard.sha256 for name, shard in remote.shards.items()} if remote else {}
    names = [file.relative_to(checkpoint.folder).as_posix() for file in files]
    return key_of({name: known.get(name) or file_digest(file) for name, file in zip(names, files, strict=True)})


def file_digest(file: Path) -> str:
    """sha256 of a file, remembered by path, size and modification time."""
    path, stat = file.resolve(), file.stat()
    stamp = {"path": str(path), "size": stat.st_size, "mtime_ns": stat.st_mtime_ns}
    memo = cache_folder() / "digests" / f"{hashlib.sha256(str(path).encode()).hexdigest()}.json"
    try:
        known = json.loads(memo.read_text())
        if isinstance(known, dict) and {key: known.get(key) for key in stamp} == stamp:
            return str(known["sha256"])
    except (OSError, ValueError, KeyError):
        pass  # this file is not cached: hash it
    digest = digest_file(file)
    try:
        memo.parent.mkdir(parents=True, exist_ok=True)
        partial = memo.with_suffix(f".{os.getpid()}.tmp")
        partial.write_text(json.dumps({**stamp, "sha256": digest}))
        partial.replace(memo)
    except OSError:
        pass  # a cache that cannot be written costs time, not correctness
    return digest
