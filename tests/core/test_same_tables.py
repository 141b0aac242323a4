"""One experiment on the embedded model, on every kind of machine: the same tables, replies and verdicts, byte for byte.

pip install ray s3fs 'moto[server]'; apt-get install faketime; pytest -m slow tests/core/test_same_tables.py
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import timeless
from ray_nodes import Nodes, ended, wait_for
from s3_server import bucket
from test_disks import as_root, small_disk

__all__ = ["bucket"]  # a fixture
pytestmark = pytest.mark.slow

EXPERIMENT = (
    "run --tasks goodhart7 --model pocket --compressor rtn4,rtn3,uniform3 -P uniform3.iterations=1 -P goodhart7.items=1"
    " --limit 7 --runs 2 --temperature 0.7 --max-tokens 16 --batch-size 4"
)


class Machine:
    """A folder with a cache of its own, where the real command is called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)

    def start(self, *given: str, **env: str) -> subprocess.Popen:
        env = {**os.environ, "HARNESS_CACHE": str(self.folder / "cache"), **env}
        command = [sys.executable, "-m", "harness", *given]
        return subprocess.Popen(command, cwd=self.folder, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def run(self, *given: str) -> str:
        process = self.start(*given)
        _, said = process.communicate()
        assert process.returncode == 0, said.decode()
        return said.decode()

    def stored(self, run: str = "r") -> int:
        return sum(path.read_bytes().count(b"\n") for path in (self.folder / run).glob("cells/*/samples.jsonl"))

    def told(self, what: str) -> object:
        """What the report's footer says of it."""
        report = json.loads((self.folder / "r" / "report" / "results.json").read_text())
        (trust,) = [section for section in report["sections"] if section["key"] == "trust"]
        return {row["what"]: row["value"] for row in trust["tables"][0]["rows"]}[what]

    def results(self, run: str = "r") -> dict[str, bytes]:
        """Every table but where and how the run was made; every verdict; what was said."""
        report = json.loads((self.folder / run / "report" / "results.json").read_text())
        tables = [section for section in report["sections"] if section["key"] != "trust"]
        found = {"tables": json.dumps(timeless(tables)).encode()}
        for cell in sorted((self.folder / run / "cells").iterdir()):
            (verdicts,) = cell.glob("verdicts-*.jsonl")
            rows = [json.loads(line) for line in (cell / "samples.jsonl").read_text().splitlines()]
            said = sorted([row["item"], row["role"], row["repeat"], json.dumps(row["reply"])] for row in rows)
            found[cell.name] = verdicts.read_bytes() + json.dumps(said).encode()
        return found


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    machine = Machine(tmp_path_factory.mktemp("local"))
    machine.run(*EXPERIMENT.split(), "--out", "r")
    found = machine.results()
    assert len(found) == 5
    return found


def test_three_shards_merged(local, tmp_path):
    for number in "123":
        Machine(tmp_path / number).run(*EXPERIMENT.split(), "--shard", f"{number}/3", "--out", "r")
    here = Machine(tmp_path)
    here.run("merge", "1/r", "2/r", "3/r", "--out", "whole")
    assert here.results("whole") == local


def test_two_ray_nodes(local, tmp_path):
    pytest.importorskip("ray", reason="ray is not installed")
    nodes = Nodes(tmp_path)
    try:
        nodes.fill(2)
        here = Machine(tmp_path / "driver")
        here.run(*EXPERIMENT.split(), "--executor", "ray", "--ray-address", nodes.address, "--out", "r")
        assert here.results() == local
    finally:
        nodes.close()


def test_ray_and_a_store_with_every_fault(local, bucket, tmp_path):
    """A worker, a node and the driver are killed; it goes on elsewhere, with an empty folder, until the head is killed."""
    pytest.importorskip("ray", reason="ray is not installed")
    url, proxy = bucket
    first, second = Nodes(tmp_path / "first"), None
    given = (*EXPERIMENT.split(), "--executor", "ray", "--store", url, "--out", "r", "--ray-address")
    here, elsewhere = Machine(tmp_path / "here"), Machine(tmp_path / "elsewhere")
    try:
        first.fill(2)
        with ended(here.start(*given, first.address)) as driver:
            wait_for(lambda: here.stored() > 0)
            first.kill_worker()
            wait_for(lambda: any((here.folder / "r").glob("cells/*/retries.jsonl")))
            first.kill_node()
            wait_for(lambda: len(list((here.folder / "r").glob("cells/*/verdicts-*.done"))) > 0)
            driver.kill()
        wait_for(lambda: not first.workers())
        first.fill(2)
        with ended(elsewhere.start(*given, first.address)) as driver:
            wait_for(lambda: elsewhere.stored() > 0)
            first.kill_head()
            _, said = driver.communicate()
            assert driver.returncode == 1
            assert b"the head of the Ray cluster" in said
        second = Nodes(tmp_path / "second")
        second.fill(1)
        elsewhere.run(*given, second.address)
    finally:
        first.close()
        if second:
            second.close()
    assert elsewhere.results() == local
    assert proxy.faults > 5
    assert isinstance(elsewhere.told("store asked again"), int)
    shutil.rmtree(tmp_path / "elsewhere")


@as_root
def test_two_drivers_of_one_store_with_a_full_node_and_clocks_a_day_apart(local, bucket, tmp_path):
    """Both plan the same and share what is made. One node's disk is full; the other node's clock is a day ahead of the
    head's and the first driver's, the second driver's a day behind."""
    pytest.importorskip("ray", reason="ray is not installed")
    url, proxy = bucket
    nodes = Nodes(tmp_path)
    given = (*EXPERIMENT.split(), "--executor", "ray", "--store", url, "--out", "r", "--ray-address", nodes.address)
    here, elsewhere = Machine(tmp_path / "here"), Machine(tmp_path / "elsewhere")
    with small_disk(tmp_path / "small", "1m"):
        try:
            nodes.fill(1, HARNESS_CACHE=str(tmp_path / "small" / "cache"))
            nodes.fill(2, **clock("+1d"))
            with ended(here.start(*given)) as first, ended(elsewhere.start(*given, **clock("-1d"))) as second:
                for driver in (first, second):
                    _, said = driver.communicate()
                    assert driver.returncode == 0, said.decode()
        finally:
            nodes.close()
    assert here.results() == elsewhere.results() == local
    assert any("No space left on device" in str(machine.told("workers lost")) for machine in (here, elsewhere))
    assert proxy.faults > 5


def clock(ahead: str) -> dict[str, str]:
    """The environment of a process whose clock is wrong by so much."""
    library = next(iter(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")), None)
    if library is None:
        pytest.skip("libfaketime is not installed")
    return {"LD_PRELOAD": str(library), "FAKETIME": ahead, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
