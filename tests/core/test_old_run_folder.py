"""A run folder written before names changed (`old_run/`: `of`, `most_bytes`, `grader = "seed"`) is read like a new one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

OLD = Path(__file__).parent / "old_run"


@pytest.fixture
def run(cli) -> Path:
    return Path(shutil.copytree(OLD, cli.cwd / "old"))


def verdicts(run: Path) -> dict[str, list[bool]]:
    return {
        path.parent.name: [json.loads(line)["verdict"]["truth"] for line in path.read_text().splitlines()]
        for path in sorted(run.glob("cells/*/verdicts-*.jsonl"))
    }


def test_it_reports_and_shows(cli, run):
    said = cli("report", "old", plugins=None).stdout
    assert "uniform@ultra3" in said
    assert "3.355" in said  # bits per weight, from the plan
    found = json.loads(cli("show", "old", "--item", "time_duration", "--json", plugins=None).stdout)
    assert {turn["role"] for transcript in found for turn in transcript["turns"]} == {"understanding", "execution"}


def test_it_is_regraded_by_the_grader_it_was_run_with(cli, run):
    before = verdicts(run)
    said = cli("rescore", "old", plugins=None).stderr
    assert said.count("no verdict of 3 changed") == 3
    assert "hint" not in said  # nobody typed the former name
    assert '"grader": "published"' in (run / "plan.json").read_text()
    assert '"treatment"' in (run / "plan.json").read_text()
    assert verdicts(run) == before


def test_a_former_name_is_answered_with_the_new_one(cli, run):
    said = cli("rescore", "old", "--grader", "seed", plugins=None).stderr
    assert [line for line in said.splitlines() if "hint" in line] == [
        "hint: grader 'seed' of goodhart7 is now called 'published'"
    ]
    said = cli("plan", "--tasks", "goodhart7", "-c", "uniform@ultra3", "-P", "uniform.of=ultra4", plugins=None, code=2)
    assert said.stderr == "error: uniform@ultra3.of is now called uniform@ultra3.treatment\n"


def test_going_on_with_it_keeps_its_replies_and_says_so(cli, run):
    before = {path: path.read_bytes() for path in run.glob("cells/*/samples.jsonl")}
    frame = ("--seeds", "41", "--temperature", "0.7", "--max-tokens", "24", "--limit", "3", "--items", "1")
    said = cli("run", "--tasks", "goodhart7", *frame, "--grader", "published", "--out", "old", plugins=None).stderr
    assert "1 cell of this folder sampled by other code, libraries, settings or weights: the replies are kept" in said
    assert {path: path.read_bytes() for path in before} == before
    assert len(list(run.glob("cells/*/samples.jsonl"))) == len(before) + 1
    assert len(list(run.glob("plan-*.json"))) == 1
