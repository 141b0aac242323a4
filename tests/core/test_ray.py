"""A run on a Ray cluster of several node processes: whatever is lost on the way, the tables are those of a run on one machine.

pip install ray; pytest -m slow tests/core/test_ray.py
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from ray_nodes import Nodes, ended, wait_for

pytestmark = pytest.mark.slow
ray = pytest.importorskip("ray", reason="ray is not installed")

TRAINING_TOYS = Path(__file__).parent / "training_toys"
ARMS = ("--compressor", "rtn4", "--temperature", "1", "--runs", "8", "--batch-size", "4", "-P", "toy.items=24")


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    cluster = Nodes(tmp_path_factory.mktemp("nodes"))
    yield cluster
    cluster.close()


@pytest.fixture
def run(cli, nodes: Nodes) -> Run:
    nodes.fill(2)
    return Run(cli, nodes)


class Run:
    def __init__(self, cli, nodes: Nodes) -> None:
        self.cli, self.nodes = cli, nodes
        self.given = ("--executor", "ray", "--ray-address", nodes.address)
        cli.run(*ARMS)
        self.undisturbed = self.results()
        shutil.rmtree(cli.cwd / "r")
        shutil.rmtree(cli.cwd / "cache")

    def start(self) -> subprocess.Popen:
        return self.cli.start(*ARMS, *self.given)

    def until_sampled(self, process: subprocess.Popen, samples: int = 1) -> None:
        """Until so many replies have reached the driver."""
        wait_for(lambda: process.poll() is not None or self.stored() >= samples)
        assert process.poll() is None, process.stderr.read()

    def stored(self) -> int:
        return sum(path.read_bytes().count(b"\n") for path in (self.cli.cwd / "r").glob("cells/*/samples.jsonl"))

    def finish(self, process: subprocess.Popen, code: int = 0) -> str:
        _, said = process.communicate(timeout=300)
        assert process.returncode == code, said
        assert "Traceback" not in said
        return said

    def results(self) -> object:
        """Every table but where and how the run was made, and every verdict."""
        tables = [section for section in self.cli.tables()["sections"] if section["key"] != "trust"]
        return tables, self.cli.replies(), self.cli.rows("verdicts-*.jsonl")

    @property
    def lost(self) -> str:
        """What the footer says of workers."""
        footer = json.loads((self.cli.cwd / "r" / "report" / "results.json").read_text())
        (trust,) = [section for section in footer["sections"] if section["key"] == "trust"]
        return json.dumps(trust).partition('"workers lost"')[2][:400]


def test_two_nodes_bring_the_tables_of_one_machine(run: Run):
    said = run.finish(run.start())
    assert run.results() == run.undisturbed
    assert "again" not in said
    caches = [run.nodes.folder / f"node-{number}" / "cache" for number in range(1, run.nodes.begun + 1)]
    assert any(cache.is_dir() for cache in caches)
    assert not (run.cli.cwd / "cache" / "artefacts").exists()  # nothing was made by the driver


def test_arms_that_share_a_training_wait_for_it_and_go_where_it_lies(cli, nodes: Nodes, tmp_path: Path):
    nodes.fill(2)
    noted = tmp_path / "noted.txt"
    given = ("--tasks", "sums", "--trainer", "nudge", "--compressor", "none,rtn4,rtn3", "--model", str(cli.model))
    placed = ("--executor", "ray", "--ray-address", nodes.address, "--no-baseline", "--out", "r")
    cli("run", *given, "-P", f"nudge.noted={noted}", *placed, plugins=TRAINING_TOYS)
    assert len(noted.read_text().splitlines()) == 1
    (home,) = {line.split("/cache/")[0] for line in noted.read_text().splitlines()}
    others = [folder for folder in nodes.folder.glob("node-*") if str(folder) != home]
    assert not any((folder / "cache" / "artefacts").exists() for folder in others)
    assert len(cli.rows("verdicts-*.jsonl")) == 3


@pytest.mark.parametrize("kill", [Nodes.kill_worker, Nodes.kill_task])
def test_a_worker_that_is_killed(run: Run, kill):
    with ended(run.start()) as driver:
        run.until_sampled(driver)
        kill(run.nodes)
        assert "again" in run.finish(driver)
    assert run.results() == run.undisturbed
    assert ": 1" in run.lost


def test_a_node_that_is_killed(run: Run):
    with ended(run.start()) as driver:
        run.until_sampled(driver)
        run.nodes.kill_node()
        assert "again" in run.finish(driver)
    assert run.results() == run.undisturbed
    assert "node was lost: 1" in run.lost


def test_the_driver_is_killed_and_started_again(run: Run):
    with ended(run.start()) as driver:
        run.until_sampled(driver)
        driver.kill()
    kept = run.stored()
    wait_for(lambda: not run.nodes.workers())  # Ray ends what belonged to it
    said = run.finish(run.start())
    assert run.stored() >= kept > 0
    assert "again" not in said
    assert run.results() == run.undisturbed


def test_ctrl_c_ends_every_task_and_the_same_command_resumes(run: Run):
    with ended(run.start()) as driver:
        run.until_sampled(driver)
        second = run.cli.run(*ARMS, *run.given, code=2)
        assert "another run is writing" in second.stderr
        driver.send_signal(signal.SIGINT)
        assert "Resume with" in run.finish(driver, code=130)
    wait_for(lambda: not run.nodes.workers(), seconds=10)
    run.finish(run.start())
    assert run.results() == run.undisturbed


def test_the_head_is_killed_and_the_run_goes_on_with_another(run: Run, tmp_path: Path):
    """In a cluster of its own, which it takes down."""
    mortal = Nodes(tmp_path)
    mortal.fill(1)
    run.given = ("--executor", "ray", "--ray-address", mortal.address)
    try:
        with ended(run.start()) as driver:
            run.until_sampled(driver)
            mortal.kill_head()
            said = run.finish(driver, code=1)
        assert "the head of the Ray cluster" in said
        assert "run the same command again" in said
    finally:
        mortal.close()
    run.given = ("--executor", "ray", "--ray-address", run.nodes.address)
    run.finish(run.start())
    assert run.results() == run.undisturbed
