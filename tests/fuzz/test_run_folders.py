"""A run folder in which anything may be wrong is reported, or refused with one line; no row goes missing in silence."""

from __future__ import annotations

import contextlib
import io
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from damage import CONTROL, damages, one_line_at_most
from hypothesis import given
from hypothesis import strategies as st

from harness.cli.output import ShownOutput
from harness.cli.report import publish
from harness.cli.show import show
from harness.registry.name_sources import NameSources
from harness.report.collect import collect
from harness.running.regrade import regrade
from harness.store.run import RunStore

OLD = Path(__file__).parents[1] / "core" / "old_run"
FILES = sorted(str(path.relative_to(OLD)) for path in OLD.rglob("*") if path.is_file())
OPTIONS = NameSources()


@pytest.fixture(scope="module")
def whole(scratch: Path) -> Path:
    return Path(shutil.copytree(OLD, scratch / "whole"))


@contextlib.contextmanager
def damaged(whole: Path, name: str, befalls):
    """The run with one file damaged, what is printed, and the property that holds whatever is done with it."""
    folder = Path(shutil.copytree(whole, whole.with_name("damaged")))
    try:
        path = folder / name
        path.write_bytes(befalls(path.read_bytes()))
        printed = io.StringIO()
        with contextlib.redirect_stdout(ShownOutput(printed)), one_line_at_most():
            yield RunStore(folder)
        assert not CONTROL.search(printed.getvalue())
    finally:
        shutil.rmtree(folder)


@given(name=st.sampled_from(FILES), befalls=damages())
def test_reports(whole, name, befalls):
    with damaged(whole, name, befalls) as store:
        data = collect(store, OPTIONS.catalogue)
        for cell in data.cells:
            rows = data.rows[cell.id]
            assert len({(row.item, row.repeat) for row in rows}) == len(rows) == cell.attempted <= cell.planned
            assert cell.planned == cell.attempted + cell.excluded.get("not run", 0)
        publish(store, OPTIONS)
        text = (store.folder / "report" / "report.md").read_text()
        assert not CONTROL.search(text + (store.folder / "report" / "report.html").read_text())


@given(name=st.sampled_from(FILES), befalls=damages(), item=st.sampled_from(["", "time"]))
def test_shown_transcripts(whole, name, befalls, item):
    with damaged(whole, name, befalls) as store:
        show(SimpleNamespace(obj=OPTIONS), store.folder, cell=None, item=item, label=None, limit=5, json=False)


@given(name=st.sampled_from([name for name in FILES if "samples" in name or "verdicts" in name]), befalls=damages())
def test_grading_again_keeps_a_row_for_every_sample(whole, name, befalls):
    with damaged(whole, name, befalls) as store:
        list(regrade(store, OPTIONS.catalogue, {}, {}, None))
        data = collect(store, OPTIONS.catalogue)
        assert all(cell.attempted == cell.planned for cell in data.cells)
