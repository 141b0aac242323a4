"""One cell's misfortune costs that cell, says so in a line, and loses nothing."""

from __future__ import annotations

import json
import math

from harness.contract import Reply
from harness.running.stages.sample import rows_of


def test_a_worker_that_keeps_crashing_costs_its_cell(cli):
    done = cli.run("-P", "toy.misbehave=crash", code=1)
    assert "SIGSEGV" in done.stderr
    assert "SIGSEGV" in done.stdout  # the report has a row for it
    assert {len(rows) for rows in cli.rows("samples.jsonl").values()} == {12}


def test_a_worker_that_was_killed_once_is_tried_again(cli):
    done = cli.run("-P", f"toy.crash_once={cli.cwd / 'marker'}")
    assert "again" in done.stderr
    assert "signal 9" in done.stderr


def test_a_worker_that_hangs_is_killed(cli):
    done = cli.run("-P", "toy.misbehave=hang", "--silence", "6", code=1)
    assert "hung" in done.stderr


def test_a_grader_that_raises_or_forges_costs_its_sample_which_stays_in_the_denominator(cli):
    cli.run("-P", "toy.misbehave=raise")
    (rows,) = cli.rows("verdicts-*.jsonl").values()
    assert {row["item"]: row["error"].partition(":")[2].strip() for row in rows if row["error"]} == {
        "sum1": "ZeroDivisionError: one is not gradable",
        "sum2": "SystemExit: 0",
        "sum3": "TypeError: the suite returned Outcome with a wrong proxy: Input should be a valid boolean, "
        "unable to interpret input",
    }
    assert len(rows) == 6


def test_a_suite_that_asks_something_else_each_time_is_not_asked(cli):
    done = cli.run("-P", "toy.misbehave=draw", code=1)
    assert "toy asks other questions than the plan has" in done.stderr
    assert not any(cli.rows("samples.jsonl").values())


def test_a_suite_that_fails_its_own_check_does_not_report(cli):
    done = cli.run("-P", "toy.misbehave=check", code=1)
    assert "fails its own check" in done.stderr


def test_a_second_cell_survives_the_first_ones_failure(cli):
    """A compressor that cannot work fails its own cells only."""
    (cli.cwd / "plugins").mkdir()
    (cli.cwd / "plugins" / "bad_compressor.py").write_text(BAD_COMPRESSOR)
    done = cli.run("--compressor", "rtn4", code=0)
    command = ["--plugins-dir", "plugins", "run", "--tasks", "toy", "--model", str(cli.model), "--out", "r"]
    done = cli(*command, "--compressor", "bad,rtn4", code=1)
    assert "does not like this model" in done.stderr
    states = {row["cell"]: row["state"] for row in json.loads(cli("show", "r", "--json").stdout)}
    assert sorted(states.values()) == ["done", "done", "failed"]


def test_a_worker_goes_on_to_the_next_small_model_unless_a_cell_of_it_failed(cli):
    (cli.cwd / "plugins").mkdir()
    (cli.cwd / "plugins" / "bad_compressor.py").write_text(BAD_COMPRESSOR)
    (cli.cwd / "plugins" / "noting.py").write_text(NOTING)
    arms = ["--tasks", "toy", "--model", str(cli.model), "--compressor", "rtn4,bad,rtn3"]
    cli("--plugins-dir", "plugins", "run", *arms, "--out", "r", code=1)
    noted = [line.split() for line in (cli.cwd / "pids.txt").read_text().splitlines()]
    process = dict(noted)
    assert process["none"] == process["rtn4"] != process["rtn3"]
    assert len({tuple(line) for line in noted}) == 3


NOTING = """
import os
import harness

@harness.hookimpl
def harness_sample(cell):
    with open("pids.txt", "a") as notes:
        print(cell.compressor.label, os.getpid(), file=notes)
"""

BAD_COMPRESSOR = """
import harness
from harness import Compressor, CompressorSpec, Decision
from harness.errors import StageError

class Bad(Compressor):
    calibrated = False
    def plan(self, shape, measurements=None):
        return {linear.name: Decision(bits=4) for linear in shape.linears}
    def compress_linears(self, weights, hessian, decisions):
        raise StageError("does not like this model")

@harness.hookimpl
def harness_register_compressors():
    return [CompressorSpec(name="bad", summary="", target="bad_compressor:Bad")]
"""


def test_two_runs_on_one_folder_are_refused(cli):
    import fcntl

    (cli.cwd / "r").mkdir()
    with (cli.cwd / "r" / ".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        done = cli.run(code=2)
    assert "another run is writing" in done.stderr


def test_a_measure_or_likelihood_that_is_no_number_costs_its_sample(cli):
    cli.run("-P", "toy.misbehave=measure")
    (rows,) = cli.rows("verdicts-*.jsonl").values()
    assert {row["item"]: row["error"] for row in rows if row["error"]} == {
        "sum1": "grader: ValueError: length is not finite"
    }
    assert len(rows) == 6


def test_a_likelihood_that_is_not_finite_is_an_error_row():
    names = [("a", "r", 0), ("b", "r", 0), ("c", "r", 0)]
    replies = [
        Reply(text="", log_likelihood=-1.5),
        Reply(text="", log_likelihood=math.nan),
        Reply(text="", choice_log_likelihoods=(-1.0, -math.inf)),
    ]
    rows = rows_of(names, 0, lambda: replies)
    assert [row.error for row in rows] == [None, "a likelihood is not finite", "a likelihood is not finite"]
    assert [row.reply is None for row in rows] == [False, True, True]
