"""Models in GGUF files: which files they are, and the ordinary checkpoint in the cache that one is dequantised into, once.

transformers does the dequantising, in a process of its own: whoever plans a run imports no torch, and its memory is given
back. Weights in a GGUF were rounded when it was written, so the checkpoint's provenance is part of every report.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from harness.checkpoints.digest import file_digest
from harness.checkpoints.weight_files import read_json
from harness.contract import Record
from harness.errors import ModelError, UsageError
from harness.store.cache import mark_used
from harness.store.code import code_digest
from harness.store.files import open_regular
from harness.store.hashing import key_of
from harness.store.locks import exclusive_lock
from harness.store.paths import cache_folder

MAGIC = b"GGUF"
PART = re.compile(r"(?P<name>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf")
OTHERS = ("*.safetensors", "*.safetensors.index.json", "*.bin")  # weights beside which a GGUF is not the model
PROVENANCE = "dequantised.json"  # written last
CONVERTER = "harness.checkpoints.dequantise"


class Provenance(Record):
    """What a checkpoint was dequantised from."""

    files: dict[str, str]  # name -> sha256
    quantisation: str  # as the file calls it, such as Q4_K_M

    @property
    def described(self) -> str:
        first, *more = self.files
        named = f"{first} and {len(more)} more" if more else first
        return f"dequantised from {self.quantisation} ({named}, sha256 {self.files[first][:16]}…)"


def provenance_of(folder: Path) -> Provenance | None:
    path = folder / PROVENANCE
    return Provenance.model_validate(read_json(path)) if path.is_file() else None


def gguf_files(path: Path) -> tuple[Path, ...]:
    """The files of the GGUF model at a file or in a folder, all parts of a split one; () if there is none.

    Raises:
        ModelError: a file is no GGUF or a part is missing, or a folder holds several models.
    """
    if path.is_dir():
        if any(next(path.glob(pattern), None) for pattern in OTHERS):
            return ()
        found = {file.name: file for file in sorted(path.glob("*.gguf")) if not file.name.startswith("mmproj")}
        models = {match["name"] if (match := PART.fullmatch(name)) else name: file for name, file in found.items()}
        if len(models) > 1:
            raise ModelError(
                f"{path} holds {len(models)} GGUF models: {', '.join(sorted(found))}", "name one of the files"
            )
        return gguf_files(next(iter(models.values()))) if models else ()
    if path.suffix.lower() != ".gguf":
        return ()
    match = PART.fullmatch(path.name)
    count = int(match["count"]) if match else 1
    names = (
        [f"{match['name']}-{number:05}-of-{count:05}.gguf" for number in range(1, count + 1)] if match else [path.name]
    )
    files = tuple(path.with_name(name) for name in names)
    if missing := [file.name for file in files if not file.is_file()]:
        raise ModelError(f"{path} is one of {count} parts, and {missing[0]} is missing", "fetch it again")
    for file in files:
        with open_regular(file) as stream:
            if stream.read(len(MAGIC)) != MAGIC:
                raise ModelError(f"{file} is not a GGUF file", "fetch it again")
    return files


def dequantised(files: Sequence[Path]) -> Path:
    """The folder of the checkpoint that these files hold, made if it is not in the cache.

    Raises:
        UsageError: the package gguf is not installed.
        ModelError: the files are damaged, or of an architecture that transformers does not read.
    """
    first = files[0]
    if importlib.util.find_spec("gguf") is None:
        cause = f"{first} is read with the package gguf, which is not installed"
        raise UsageError(cause, "pip install 'goodhart-harness[gguf]'")
    digests = {file.name: file_digest(file) for file in files}
    made_by = {name: importlib.metadata.version(name) for name in ("gguf", "transformers")}
    key = key_of({"files": list(digests.values()), "code": code_digest(CONVERTER), "libraries": made_by})
    out = cache_folder() / "dequantised" / f"{re.sub(r'[^A-Za-z0-9_.-]+', '-', first.stem)[:48]}-{key[:16]}"
    with exclusive_lock(out):
        if not (out / PROVENANCE).is_file():
            _convert(files, digests, out)
    mark_used(out)
    return out


def _convert(files: Sequence[Path], digests: dict[str, str], out: Path) -> None:
    partial = out.with_name(f"{out.name}.partial")
    for folder in (partial, out):  # of a run that was killed
        shutil.rmtree(folder, ignore_errors=True)
    partial.mkdir(parents=True)
    command = [sys.executable, "-m", CONVERTER, str(partial.resolve()), *(str(file.resolve()) for file in files)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    said = done.stdout.strip().splitlines()[-1:] or [f"the conversion ended with exit code {done.returncode}"]
    if done.returncode != 0:
        shutil.rmtree(partial, ignore_errors=True)
        raise ModelError(f"{files[0]} cannot be dequantised: {said[0][:300]}", "fetch it again, or give safetensors")
    found = Provenance(files=digests, quantisation=json.loads(said[0])["quantisation"])
    (partial / PROVENANCE).write_text(found.model_dump_json(indent=1))
    partial.replace(out)
