"""What was flushed is read back; what a kill cut short is dropped; nothing else is lost."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.contract import Reply
from harness.errors import StageError
from harness.store.files import append_jsonl, read_jsonl, write_json
from harness.store.run import CellStore, SampleRow

texts = st.text(max_size=40)  # any valid text, control characters and line separators included


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.tuples(texts, texts), max_size=6), cut=st.integers(1, 60))
def test_a_torn_last_line_costs_that_line_only(tmp_path_factory, rows, cut):
    store = CellStore(tmp_path_factory.mktemp("cell"))
    samples = [
        SampleRow(item=item, role="r", repeat=0, batch=n, reply=Reply(text=text)) for n, (item, text) in enumerate(rows)
    ]
    store.append(samples)
    assert store.samples() == samples
    whole = store.samples_path.read_bytes() if samples else b""
    store.samples_path.write_bytes(whole[:-cut])
    kept = store.samples()
    assert kept == samples[: len(kept)]
    assert len(kept) >= whole[:-cut].count(b"\n")


def test_rewriting_replaces_the_file_in_one_step(tmp_path):
    path = tmp_path / "a" / "b.json"
    write_json(path, {"x": 1})
    write_json(path, {"x": 2})
    assert [p.name for p in path.parent.iterdir()] == ["b.json"]
    with pytest.raises(TypeError):
        write_json(path, {"x": object()})
    assert path.read_text().strip().endswith('"x": 2\n}')


def test_a_disk_that_refuses_names_the_file(tmp_path):
    with pytest.raises(StageError, match="cannot write /dev/full"):
        append_jsonl(type(tmp_path)("/dev/full"), [{"a": 1}])


def test_missing_files_read_as_empty(tmp_path):
    assert list(read_jsonl(tmp_path / "none.jsonl")) == []
