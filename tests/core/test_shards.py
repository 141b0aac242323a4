"""A plan in parts: every cell is in one shard, shards that share nothing merge to the tables of one run."""

from __future__ import annotations

import shutil

import pytest

from harness.errors import UsageError
from harness.planning.experiment import experiment_from
from harness.planning.plan import make_plan
from harness.planning.shards import Shard
from harness.registry.catalogue import load_catalogue
from harness.registry.plugins import load_plugins

ARMS = ("--compressor", "rtn4,rtn3,rtn2", "--temperature", "1", "--runs", "2")


@pytest.fixture(scope="module")
def plan():
    layer = {
        "model": ["pocket"],
        "compressor": ["none", "rtn4", "rtn3", "uniform3"],
        "tasks": ["goodhart7", f"perplexity:{__file__}"],
        "seeds": [1, 2],
    }
    return make_plan(experiment_from(layer), load_catalogue(load_plugins()))


@pytest.mark.parametrize("of", [1, 2, 3, 7, 50])
def test_every_cell_is_in_one_shard_and_weights_are_made_in_one(plan, of):
    shards = [Shard(number, of).cells(plan) for number in range(1, of + 1)]
    ids = [cell.id for shard in shards for cell in shard]
    assert sorted(ids) == sorted(cell.id for cell in plan.cells)
    makers = [{cell.compressed_key for cell in shard if cell.compressed_key} for shard in shards]
    assert sum(map(len, makers)) == len(set().union(*makers))


def test_shards_are_balanced(plan):
    asked = [sum(cell.generations + cell.scored for cell in Shard(n, 3).cells(plan)) for n in (1, 2, 3)]
    assert max(asked) < 2 * min(asked)


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "a/b", "1/0", "-1/3", "1/3/4", ""])
def test_what_is_no_shard_is_one_line(text):
    with pytest.raises(UsageError, match="no shard"):
        Shard.parse(text)


def test_shards_on_machines_of_their_own_merge_to_the_tables_of_one_run(cli):
    cli.run(*ARMS)
    whole = tables(cli, "r")
    for number in (1, 2, 3):
        shutil.rmtree(cli.cwd / "cache")  # another machine
        done = cli.run(*ARMS, "--shard", f"{number}/3", "--out", f"s{number}")
        assert f"shard {number}/3" in done.stderr

    half = cli("merge", "s1", "s3", "--out", "m", code=1)
    assert "missing" in half.stderr
    assert "1 cell copied" in cli("merge", "s2", "--out", "m").stderr
    assert tables(cli, "m") == whole
    assert "0 cells copied" in cli("merge", "s1", "s2", "s3", "--out", "m").stderr

    cli.run("--compressor", "rtn4", "--out", "other")
    refused = cli("merge", "s1", "other", "--out", "n", code=2)
    assert "is not of the plan of s1" in refused.stderr
    assert "nowhere is not a run folder" in cli("merge", "nowhere", "--out", "n", code=2).stderr
    assert not (cli.cwd / "n").exists()
    samples = next((cli.cwd / "s1").glob("cells/*/samples.jsonl"))
    shutil.copytree(cli.cwd / "s1", cli.cwd / "s1b")
    twin = cli.cwd / "s1b" / samples.relative_to(cli.cwd / "s1")
    twin.write_text(twin.read_text().replace('"text":"', '"text":"x', 1))
    assert "hold different replies" in cli("merge", "s1", "s1b", "--out", "n", code=2).stderr
    assert not (cli.cwd / "n").exists()


def tables(cli, folder):
    """All but where and by which command the run was made."""
    return [section for section in cli.tables(folder)["sections"] if section["key"] != "trust"]
