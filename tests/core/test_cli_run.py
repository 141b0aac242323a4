"""The pipeline end to end, through the real command."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import time
from pathlib import Path


def test_a_run_samples_grades_detects_and_reports(cli):
    done = cli.run("--compressor", "rtn3", "--detectors", "all", "--runs", "2", "--temperature", "1")
    assert "Toy section" in done.stdout
    assert "needs judge" in done.stdout
    samples = cli.rows("samples.jsonl")
    assert sorted(map(len, samples.values())) == [24, 24]  # 6 items × 2 roles × 2 repeats, baseline and rtn3
    assert {len(rows) for rows in cli.rows("verdicts-*.jsonl").values()} == {12}
    flags = [path.read_text().splitlines() for path in (cli.cwd / "r" / "cells").glob("*/flags-*.jsonl")]
    assert {len(lines) for lines in flags} == {12}  # one file a cell and detector
    for name in ("plan.json", "config.toml", "env.json", "report/report.md", "report/results.json", "hook_was_here"):
        assert (cli.cwd / "r" / name).is_file()


def test_the_same_command_again_samples_nothing_and_more_runs_only_add(cli):
    cli.run("--temperature", "1")
    path = next((cli.cwd / "r" / "cells").glob("*/samples.jsonl"))
    first = path.read_text()
    cli.run("--temperature", "1")
    assert path.read_text() == first
    cli.run("--temperature", "1", "--runs", "3")
    longer = path.read_text()
    assert longer.startswith(first)
    assert len(longer.splitlines()) == 3 * len(first.splitlines())
    cli.run("--temperature", "1", "--compressor", "rtn4")
    assert path.read_text() == longer
    report = json.loads((cli.cwd / "r" / "report" / "results.json").read_text())
    assert report["sections"]


def test_a_killed_run_resumes_to_the_same_replies(cli):
    arguments = ("--temperature", "1", "--runs", "12", "--compressor", "rtn3")
    cli.run(*arguments)
    undisturbed = cli.replies()
    shutil.rmtree(cli.cwd / "r")
    process = cli.start(*arguments)
    deadline = time.monotonic() + 300
    while process.poll() is None and time.monotonic() < deadline:
        sampled = [len(p.read_text().splitlines()) for p in (cli.cwd / "r").glob("cells/*/samples.jsonl")]
        if sampled and 8 <= max(sampled) < 144:
            break
        time.sleep(0.01)
    process.kill()
    process.wait()
    deadline = time.monotonic() + 30
    while workers_of(cli.cwd / "r") and time.monotonic() < deadline:
        time.sleep(0.1)
    assert workers_of(cli.cwd / "r") == []  # the worker follows its driver
    partial = sum(len(rows) for rows in cli.rows("samples.jsonl").values())
    assert 0 < partial < 2 * 144
    next((cli.cwd / "r").glob("cells/*/samples.jsonl")).open("a").write('{"v": 1, "item": "cut sho')  # a torn line
    cli.run(*arguments)
    assert cli.replies() == undisturbed


def workers_of(run: Path) -> list[str]:
    """Command lines of living workers; a worker names no run, so its log is looked for among open files."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if any(str(fd.readlink()).startswith(str(run)) for fd in (process / "fd").iterdir()):
                found.append((process / "cmdline").read_text())
    return found


def test_interrupting_prints_how_to_resume_and_exits_130(cli):
    process = cli.start("--runs", "500")
    while not list((cli.cwd / "r").glob("cells/*/samples.jsonl")):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Resume with" in said
    assert "--runs 500" in said


def test_rescore_keeps_replies_and_names_what_moved(cli):
    cli.run()
    before = cli.replies()
    said = cli("rescore", "r", "--grader", "published").stderr
    assert "verdicts changed" in said or "no verdict" in said
    assert cli.replies() == before
    assert {len(rows) for rows in cli.rows("verdicts-*.jsonl").values()} == {12}  # both verdicts on 6 items


def test_rescore_knows_the_suites_of_an_experiment_file(cli):
    (cli.cwd / "e.toml").write_text(
        'tasks = "few,all"\n[suites.few]\nplugin = "toy"\nitems = 3\n[suites.all]\nplugin = "toy"\n'
    )
    cli("run", "e.toml", "--model", str(cli.model), "--out", "r")
    assert sorted(len(rows) for rows in cli.rows("verdicts-*.jsonl").values()) == [3, 6]
    assert cli("rescore", "r").stderr.count("no verdict of") == 2


def test_rescore_refuses_other_questions(cli):
    cli.run()
    said = cli("rescore", "r", "-P", "toy.items=9", code=2).stderr
    assert "another question" in said


def test_show_lists_cells_and_transcripts(cli):
    cli.run()
    assert "done" in cli("show", "r").stdout
    found = json.loads(cli("show", "r", "--item", "sum3", "--json").stdout)
    assert [turn["prompt"] for turn in found[0]["turns"]] == ["explain: what is 3 + 3?", "answer: what is 3 + 3?"]


def test_show_unlike_says_whose_each_reply_is_beside_its_verdict(cli):
    cli.run("--compressor", "rtn2")
    plain = {(row["cell"], row["item"]): row for row in json.loads(cli("show", "r", "--cell", "", "--json").stdout)}
    found = json.loads(cli("show", "r", "--unlike", "compressor", "--json").stdout)
    assert found
    for row in found:
        assert row["group"] == ("rtn2" if "rtn2" in row["cell"] else "none")
        assert 0 < row["unlike"] <= 1
        assert row | {"group": None, "unlike": None} == plain[row["cell"], row["item"]]
    assert f"{found[0]['group']} · unlike the others by" in cli("show", "r", "--unlike", "compressor").stdout


def test_two_seeds_are_two_cells_with_their_own_noise(cli):
    cli.run("--seeds", "1-2", "--temperature", "1")
    first, second = cli.replies().values()
    assert first != second


def test_an_experiment_file_is_overruled_by_the_command_line(cli):
    (cli.cwd / "e.toml").write_text(f'tasks = "toy"\nmodel = "{cli.model}"\nruns = 2\n[params.toy]\nitems = 3\n')
    cli("run", "@e.toml", "--runs", "1", "--out", "r")
    assert {len(rows) for rows in cli.rows("samples.jsonl").values()} == {6}
    cli("run", "@r/config.toml", "--out", "again")
    assert (cli.cwd / "again" / "report" / "report.md").is_file()
