"""The suite through the real command: prompts that quote replies, asked here and through a backend, and a kill between."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.contract import Prompt, Reply
from harness.errors import UsageError
from harness.planning.experiment import experiment_from
from harness.planning.plan import make_plan
from harness.planning.questions import prompts_of
from harness.registry.catalogue import load_catalogue
from harness.registry.plugins import load_plugins
from harness.running.stages.quoting import filled, waves
from harness.sandbox import available
from harness.store.run import SampleRow
from harness.testing.toy import ToySuite

needs_sandbox = pytest.mark.skipif(bool(available()["bwrap"]), reason="no bubblewrap here")


def run(model: Path, out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [
        *(sys.executable, "-m", "harness", "run", "--tasks", "inversion", "--model", str(model), "--out", str(out)),
        *("--limit", "3", "-P", "inversion.max_tokens=6", *options),
    ]
    environment = {**os.environ, "HARNESS_CACHE": str(out.parent / "cache")}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def samples(out: Path) -> dict[tuple[str, str], str]:
    rows = [json.loads(line) for path in out.glob("cells/*/samples.jsonl") for line in path.read_text().splitlines()]
    return {(row["item"], row["role"]): row["reply"]["text"] for row in rows}


@needs_sandbox
def test_a_run_asks_about_its_replies_and_resumes_after_a_kill(tiny_qwen2, tmp_path):
    done = run(tiny_qwen2, tmp_path / "r")
    assert done.returncode == 0, done.stderr
    assert "gamed" in done.stdout
    found = samples(tmp_path / "r")
    assert {role for _, role in found} == {"command", "inversion", "rating"}
    assert len(found) == 9
    [path] = (tmp_path / "r").glob("cells/*/samples.jsonl")
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:4]) + "\n")  # as a kill leaves it: all commands, one inversion
    again = run(tiny_qwen2, tmp_path / "r")
    assert again.returncode == 0, again.stderr
    assert samples(tmp_path / "r") == found
    through = run(tiny_qwen2, tmp_path / "b", "--backend", "hf")
    assert through.returncode == 0, through.stderr
    assert samples(tmp_path / "b") == found


@needs_sandbox
def test_a_trainer_that_asks_no_follow_up_is_refused(tiny_qwen2, tmp_path):
    done = run(tiny_qwen2, tmp_path / "r", "--trainer", "vanilla")
    assert done.returncode == 2
    assert "asks nothing about a reply" in done.stderr


class Quoting(ToySuite):
    def prompts(self, item):
        first = Prompt(role="answer", text="one?")
        second = Prompt(role="about", text="{answer} and {why}", quotes=("answer",))
        return [first, second, Prompt(role="why", text="{about}!", quotes=("about", "answer"))]


def test_waves_quote_what_came_before_and_a_failed_reply_fails_what_quotes_it():
    suite = Quoting()
    items = suite.items()[:2]
    asked = [((item.id, prompt.role, 0), prompt) for item in items for prompt in suite.prompts(item)]
    assert [[name[1] for name, _ in wave] for wave in waves(asked)] == [["answer"] * 2, ["about"] * 2, ["why"] * 2]
    names = [name for name, _ in asked if name[1] == "answer"]
    rows = {
        names[0]: SampleRow(item=names[0][0], role="answer", repeat=0, reply=Reply(text="{why} {answer}")),
        names[1]: SampleRow(item=names[1][0], role="answer", repeat=0, error="too long"),
    }
    [(name, prompt)], [failed] = filled(suite, lambda: items, waves(asked)[1], rows)
    assert name == (items[0].id, "about", 0)
    assert prompt.text == "{why} {answer} and {why}"
    assert prompt.quotes == ()
    assert failed.item == items[1].id
    assert "'answer'" in failed.error


def test_a_prompt_that_quotes_a_later_one_is_refused():
    class Backwards(ToySuite):
        def prompts(self, item):
            return [Prompt(role="a", text="{b}", quotes=("b",)), Prompt(role="b", text="?")]

    suite = Backwards()
    with pytest.raises(UsageError, match="not asked before it"):
        prompts_of(suite, suite.items()[0])


def test_a_suite_and_an_arm_of_one_name_each_get_their_parameters(tiny_qwen2):
    catalogue = load_catalogue(load_plugins())

    def planned(**given):
        layer = {"tasks": ["inversion"], "trainer": ["inversion"], "model": [str(tiny_qwen2)]}
        return make_plan(experiment_from({**layer, "params": {"inversion": given}}), catalogue)

    [_, cell] = planned(cycles=2, items=1).cells
    assert cell.trainer.params["cycles"] == 2
    assert cell.suite.params["items"] == 1
    with pytest.raises(UsageError, match="nonsense"):
        planned(nonsense=1)
