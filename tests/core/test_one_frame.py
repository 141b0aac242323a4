"""A run folder belongs to one experiment, its report says what it covers, and the plan says how far it is."""

from __future__ import annotations

import json


def plan(cli, *arguments: str, code: int = 0):
    return cli("plan", "--tasks", "toy", "--model", str(cli.model), "--out", "r", *arguments, code=code)


def stages(cli, *arguments: str) -> list[dict[str, str]]:
    cells = json.loads(plan(cli, "--json", *arguments).stdout)["cells"]
    return [{name: stage["state"] for name, stage in cell["stages"].items()} for cell in cells]


OTHERS = {
    "--limit is not set there and 3 here": ["--limit", "3"],
    "the parameter items of toy is 6 there and 4 here": ["-P", "toy.items=4"],
    "the parameter grader of toy is strict there and published here": ["--grader", "published"],
    "--temperature is 0.0 there and 1.0 here": ["--temperature", "1"],
}


def test_another_experiment_is_refused_and_nothing_is_lost(cli):
    cli.run()
    report = (cli.cwd / "r" / "report" / "report.md").read_text()
    for difference, arguments in OTHERS.items():
        expected = f"error: r holds another experiment: {difference} (give --out another folder"
        assert cli.run(*arguments, code=2).stderr.startswith(expected)
    assert cli.run(*arguments, "--dry-run", code=2).stderr.startswith(expected)
    assert plan(cli, *arguments, code=2).stderr.startswith(expected)
    assert (cli.cwd / "r" / "report" / "report.md").read_text() == report
    assert len(list((cli.cwd / "r" / "cells").iterdir())) == 1


def test_the_same_command_goes_on_after_a_rescore(cli):
    cli.run("--compressor", "rtn3")
    cli("rescore", "r", "--grader", "published")
    assert "another experiment" in cli.run("--compressor", "rtn3", "--grader", "lenient", code=2).stderr
    cli.run("--compressor", "rtn3")
    assert '"grader":"strict"' in (cli.cwd / "r" / "plan.json").read_text().replace(" ", "")


def test_arms_that_are_left_out_are_kept_and_named(cli):
    cli.run("--compressor", "rtn3")
    done = cli.run("--compressor", "rtn4")
    assert "1 cell of this folder not selected" in done.stderr
    (kept,) = cli.cwd.glob("r/plan-*.json")
    assert "rtn3" in kept.read_text()
    (rtn3,) = (path.name for path in (cli.cwd / "r" / "cells").glob("*rtn3*"))
    report = (cli.cwd / "r" / "report" / "report.md").read_text()
    assert f"Not in this report: 1 cell ({rtn3}), stored here by an earlier command" in report
    assert report.startswith("# harness · toy on ")
    assert "2 arms, seed 42, 1 repeat" in report.splitlines()[0]
    cli.run("--compressor", "rtn3,rtn4")
    assert "Not in this report" not in (cli.cwd / "r" / "report" / "report.md").read_text()


def test_one_number_of_repeats_counts_and_it_is_named(cli):
    arguments = ("--temperature", "1", "--detectors", "long-reply")
    cli.run(*arguments, "--runs", "3")
    cli.run(*arguments, "--runs", "1")
    assert len(cli.rows("samples.jsonl").popitem()[1]) == 36
    assert len(json.loads(cli("show", "r", "--item", "sum", "--json").stdout)) == 6
    results = json.loads((cli.cwd / "r" / "report" / "results.json").read_text())
    assert "3 repeats are stored; this report counts the first 1 (--runs 1)." in results["notes"]
    tables = {table["key"]: table["rows"] for section in results["sections"] for table in section["tables"]}
    assert tables["quadrants"][0]["n"] == 6
    assert tables["detectors"][0]["flagged"]["n"] == 6
    assert (cli.cwd / "r" / "report" / "report.html").read_text().count("· run 1") == 0


def test_the_plan_says_of_each_stage_whether_it_is_done_cached_or_to_do(cli):
    assert [cell["compress"] for cell in stages(cli, "--compressor", "rtn3")] == ["none", "to do"]
    assert {cell["sample"] for cell in stages(cli, "--compressor", "rtn3")} == {"to do"}
    cli.run("--compressor", "rtn3", "--detectors", "long-reply")
    done = dict.fromkeys(("sample", "grade", "detect"), "done")
    base, compressed = stages(cli, "--compressor", "rtn3", "--detectors", "long-reply")
    assert base == {"train": "none", "compress": "none", **done}
    assert compressed == {"train": "none", "compress": "done", **done}
    assert stages(cli, "--compressor", "rtn3", "--seeds", "7")[1]["compress"] == "cached"
    begun = plan(cli, "--compressor", "rtn3", "--runs", "2", "--json").stdout
    sample = json.loads(begun)["cells"][0]["stages"]["sample"]
    assert (sample["state"], sample["done"], sample["of"]) == ("begun", 12, 24)
    assert sample["seconds"] > 0  # what the stored half took


def test_a_trainer_that_has_not_trained_is_to_do(cli):
    said = cli("plan", "--tasks", "leetcode-loopholes", "--trainer", "vanilla", "--json", plugins=None).stdout
    untouched, trained = json.loads(said)["cells"]
    assert untouched["stages"]["train"]["state"] == "none"
    assert trained["stages"]["train"]["state"] == "to do"


def test_a_run_ends_with_what_came_out_where_it_is_and_what_to_do_next(cli):
    lines = cli.run().stdout.rstrip().splitlines()[-3:]
    assert lines[0].startswith("result: 1 of 1 cell scored")
    assert lines[1].startswith("where:  r/report/report.html")
    assert lines[2].startswith("next:   harness show r")
    lines = cli.run("-P", "toy.misbehave=check", "--out", "bad", code=1).stdout.rstrip().splitlines()[-3:]
    assert lines[0].startswith("result: 0 of 1 cell scored")
    assert "the same command goes on: harness" in lines[2]
