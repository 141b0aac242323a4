"""docs/notebooks/first-run.ipynb runs from top to bottom, and its run is one that the command opens."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import harness

NOTEBOOK = Path(__file__).parents[2] / "docs" / "notebooks" / "first-run.ipynb"
ITEMS = '"items": 2'


def test_what_it_shows_is_kept_and_is_of_no_machine():
    text = NOTEBOOK.read_text(encoding="utf-8")
    silent = [cell["source"] for cell in json.loads(text)["cells"] if cell.get("outputs") == []]
    assert silent == [["import harness"]]
    assert not re.search(r"/(home|root|tmp|work|Users)/", text)


def test_the_notebook_runs(tmp_path, monkeypatch):
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed (extra dev)")
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed (extra dev)")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed (extra dev)")
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    book = nbformat.read(NOTEBOOK, as_version=4)
    (asked,) = [cell for cell in book.cells if ITEMS in cell.source]
    asked.source = asked.source.replace(ITEMS, '"limit": 2').replace("ultra3", "rtn4")  # quick
    nbclient.NotebookClient(book, timeout=1200, resources={"metadata": {"path": str(tmp_path)}}).execute()

    run = harness.load_run(tmp_path / "runs" / "first")
    assert run.complete
    shown = "".join(str(cell.get("outputs", "")) for cell in book.cells)
    assert "2/2 cells" in shown  # the progress's last state
    for row in run.table("quadrants").rows:
        assert row[0].text in shown
    assert len(run.samples()) == sum(row[1].value for row in run.table("quadrants").rows) == 4
    assert (tmp_path / "first-run.html").stat().st_size > 10_000
