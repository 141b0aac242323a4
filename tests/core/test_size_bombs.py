"""Small files that stand for something huge are refused with one line, at once."""

from __future__ import annotations

import gzip
import json
import struct
import time
from pathlib import Path

import pytest

from harness.checkpoints.checkpoint import read_header
from harness.checkpoints.weight_files import read_json
from harness.errors import HarnessError, ModelError, UsageError
from harness.lm_eval.backends.arguments import parse_arguments
from harness.planning.experiment import experiment_from, parse_overrides, parse_seeds, read_experiment_file
from harness.registry.presets import read_registry_file
from harness.report.published import read_published
from harness_plugins.tasks.loopholes.problems.external import load


@pytest.fixture(autouse=True)
def at_once():
    started = time.monotonic()
    yield
    assert time.monotonic() - started < 20


@pytest.mark.parametrize("text", ["1-999999999999", "1," * 3 + "5-99999", "9" * 5000, "0-9999,10000", "1-" + "9" * 400])
def test_seeds_have_a_limit(text, tmp_path):
    with pytest.raises(UsageError, match="at most") as caught:
        parse_seeds(text)
    assert len(str(caught.value)) < 200
    (tmp_path / "x.toml").write_text(f'tasks = "goodhart7"\nseeds = "{text}"\n')
    with pytest.raises(UsageError, match="at most"):
        read_experiment_file(tmp_path / "x.toml")


def test_ordinary_seeds_are_read():
    assert parse_seeds("41-43,7,42") == (41, 42, 43, 7)
    assert len(parse_seeds("0-9999")) == 10_000


def test_runs_have_a_limit():
    with pytest.raises(UsageError, match="runs"):
        experiment_from({"runs": 10**12})


DEEP = {"arrays": "a = " + "[" * 100_000, "tables": "a = " + '{"a" = ' * 100_000}


@pytest.mark.parametrize("kind", DEEP)
def test_deep_toml_is_one_line(tmp_path, kind):
    path = tmp_path / "deep.toml"
    path.write_text(DEEP[kind])
    for read in (read_experiment_file, read_published, lambda file: read_registry_file(file, "x", 0)):
        with pytest.raises(UsageError, match=r"deep\.toml") as caught:
            read(path)
        assert "\n" not in str(caught.value)
    assert parse_overrides(["x.y=" + "[" * 100_000])["x"]["y"].startswith("[[")


def test_a_huge_toml_is_one_line(tmp_path):
    with (tmp_path / "huge.toml").open("wb") as file:
        file.truncate(3 << 30)
    with pytest.raises(UsageError, match="more than 16 MiB"):
        read_experiment_file(tmp_path / "huge.toml")


def test_deep_json_is_one_line(tmp_path):
    (tmp_path / "config.json").write_text('{"a":' * 200_000)
    with pytest.raises(ModelError, match=r"config\.json is not readable JSON"):
        read_json(tmp_path / "config.json")
    with pytest.raises(UsageError, match="bad --backend-args"):
        parse_arguments('{"a":' * 200_000)


def test_a_huge_sparse_header_is_not_read(tmp_path):
    path = tmp_path / "model.safetensors"
    with path.open("wb") as file:
        file.write(struct.pack("<Q", (3 << 30) - 8))
        file.truncate(3 << 30)
    with pytest.raises(ModelError, match="has a header of 3221225464 bytes; the format allows 100000000"):
        read_header(path)
    with (tmp_path / "config.json").open("wb") as file:
        file.truncate(3 << 30)
    with pytest.raises(ModelError, match="at most"):
        read_json(tmp_path / "config.json")


def test_a_deep_header_is_one_line(tmp_path):
    header = b'{"a":' * 100_000
    (tmp_path / "m.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)
    with pytest.raises(ModelError, match="is not a readable safetensors file"):
        read_header(tmp_path / "m.safetensors")


def test_a_row_that_unpacks_without_end_is_refused(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(load, "LONGEST_ROW", 1 << 20)
    with gzip.open(tmp_path / "bomb.jsonl.gz", "wt") as file:
        file.write(json.dumps({"a": "b" * (1 << 22)}))
    with pytest.raises(HarnessError, match=r"cannot read .*bomb\.jsonl\.gz: it unpacks to more than"):
        list(load._rows(tmp_path / "bomb.jsonl.gz"))
