"""Run docs/notebooks/first-run.ipynb from top to bottom in an empty folder with an empty cache, and keep what it shows."""

from __future__ import annotations

import copy
import os
import tempfile
from pathlib import Path

import nbclient
import nbformat

NOTEBOOK = Path(__file__).resolve().parents[1] / "docs" / "notebooks" / "first-run.ipynb"


def main() -> None:
    book = nbformat.read(NOTEBOOK, as_version=4)
    metadata = copy.deepcopy(book.metadata)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HARNESS_CACHE"] = str(Path(folder) / "cache")
        client = nbclient.NotebookClient(
            book, timeout=1200, record_timing=False, resources={"metadata": {"path": folder}}
        )
        client.execute()
        book.metadata = metadata  # not this machine's
        text = nbformat.writes(book)
        assert folder not in text, "a path of this machine is shown"
    NOTEBOOK.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
