"""Is there a tokenizer in a model folder? Told by its files, so that a run without one ends before any work. Imports no
transformers."""

from __future__ import annotations

from pathlib import Path

from harness.errors import ModelError
from harness.store.files import open_regular

CONFIG, WHOLE = "tokenizer_config.json", "tokenizer.json"
VOCABULARIES = ("vocab*", "*.model", "*.spm", "*.tiktoken", "tekken.json")  # of tokenizers that are in several files


def check_tokenizer(folder: Path) -> None:
    """Raises ModelError where no tokenizer can be loaded: none is there, or what should be JSON is a pointer of git-lfs or a
    page of a server."""
    for name in (WHOLE, CONFIG):
        if (folder / name).exists() and not _begins_like_an_object(folder / name):
            raise ModelError(
                f"{folder / name} is no JSON object", "fetch it again (a pointer of git-lfs: git lfs pull)"
            )
    if not any(next(folder.glob(name), None) for name in (WHOLE, CONFIG, *VOCABULARIES)):
        raise ModelError(f"{folder} holds no tokenizer", f"put {WHOLE} and {CONFIG} of its model there")


def _begins_like_an_object(file: Path) -> bool:
    try:
        with open_regular(file) as stream:
            return stream.read(256).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")
    except OSError as error:
        raise ModelError(f"cannot read {file}: {error.strerror or error}", "fetch it again") from None
