"""A store in S3, served by moto on loopback, reached through a proxy that refuses requests and cuts bodies.

pip install s3fs 'moto[server]'; pytest -m slow tests/core/test_remote_s3.py
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from s3_server import bucket

from harness.store.remote import Remote

__all__ = ["bucket"]  # a fixture
pytestmark = pytest.mark.slow

ARMS = ("--compressor", "rtn3,uniform3", "--temperature", "1")


def test_folders_come_back_whole_through_a_flaky_proxy(bucket, tmp_path: Path) -> None:
    url, proxy = bucket
    made = tmp_path / "made"
    made.mkdir()
    for number in range(30):
        (made / f"{number}.bin").write_bytes(os.urandom(50_000))
    store = Remote(url, pause=0.05)
    assert store.push(made, "artefacts/x").files == 30
    store.pull("artefacts/x", tmp_path / "back")
    assert {p.name: p.read_bytes() for p in (tmp_path / "back").iterdir()} == {
        p.name: p.read_bytes() for p in made.iterdir()
    }
    assert proxy.faults > 5


def test_shards_that_share_nothing_but_the_bucket_end_with_the_tables_of_one_run(bucket, cli, monkeypatch) -> None:
    url, proxy = bucket
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")  # by itself the client would ask five times, and leave nothing to count
    cli.run(*ARMS)
    whole = [section for section in cli.tables()["sections"] if section["key"] != "trust"]
    for shard in ("1/2", "2/2", None):
        shutil.rmtree(cli.cwd / "r")
        shutil.rmtree(cli.cwd / "cache")
        cli.run(*ARMS, "--store", url, *(["--shard", shard] if shard else []))
    assert asked_again(cli) > 0
    assert [section for section in cli.tables()["sections"] if section["key"] != "trust"] == whole
    assert proxy.faults > 5
    written = b"".join(path.read_bytes() for path in (cli.cwd / "r").rglob("*") if path.is_file())
    assert b"not-a-secret" not in written


def asked_again(cli) -> int:
    """How often the store was, by the report's footer; it is what the driver and the workers have written down."""
    run = cli.cwd / "r"
    driver = json.loads((run / "store.json").read_text())["retries"]
    workers = sum(json.loads(path.read_text())["store_retries"] for path in run.glob("cells/*/state.json"))
    (trust,) = [section for section in cli.tables()["sections"] if section["key"] == "trust"]
    shown = {row["what"]: row["value"] for row in trust["tables"][0]["rows"]}["store asked again"]
    assert shown == driver + workers
    return shown
