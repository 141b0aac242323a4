"""`harness plan --estimate`: every stage that is to do has a time, from work that was really done."""

from __future__ import annotations

import json
import re

import pytest


@pytest.fixture
def planned(cli):
    arguments = ["--tasks", "toy", "--model", str(cli.model), "--compressor", "rtn4", "--out", "r"]

    def plan(*more: str) -> tuple[str, dict[str, dict]]:
        said = cli("plan", *arguments, "--estimate", *more).stdout
        rows = json.loads(cli("plan", *arguments, "--estimate", "--json", *more).stdout)["cells"]
        return said, {row["cell"].split("--")[1]: row["stages"] for row in rows}

    return plan


def test_stages_to_do_are_timed_and_leave_nothing_behind(cli, planned):
    said, stages = planned("--runs", "1")
    assert re.search(r"to do in about \d+ s; run folder r", said)
    assert stages["none"]["sample"]["seconds"] > 0
    assert stages["rtn4"]["compress"]["seconds"] > 0
    assert stages["rtn4"]["sample"]["seconds"] > 0
    assert stages["none"]["grade"]["seconds"] is None, "nothing is known of it before a cell was graded"
    assert not (cli.cwd / "r").exists()
    kept = {file.name: file.stat().st_mtime_ns for file in (cli.cwd / "cache" / "estimates").iterdir()}
    _, repeated = planned("--runs", "3")
    assert kept == {file.name: file.stat().st_mtime_ns for file in (cli.cwd / "cache" / "estimates").iterdir()}
    pace = [stage["none"]["sample"]["seconds"] for stage in (stages, repeated)]
    assert pace[0] < pace[1] < 3 * pace[0], "loading is once, asking is three times"


def test_a_finished_run_has_nothing_to_forecast(cli, planned):
    cli.run("--compressor", "rtn4")
    said, stages = planned()
    assert "nothing to do; run folder r" in said
    assert {stage["state"] for row in stages.values() for stage in row.values()} <= {"done", "none"}
