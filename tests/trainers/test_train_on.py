"""`--train-on`: an arm is trained on one suite and judged on every suite of the run."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import warm

import harness
from harness.errors import UsageError

GENERATED = "leetcode-loopholes.source=generated"
TEXT = "The train left at nine and came in at noon. " * 40


@pytest.fixture
def text(tmp_path: Path) -> Path:
    file = tmp_path / "text.txt"
    file.write_text(TEXT)
    return file


def test_every_suite_judges_one_training(text):
    judges = ["goodhart7", f"perplexity:{text}", "leetcode-loopholes"]
    made = harness.plan(
        tasks=judges,
        trainer="vanilla,erase",
        compressor="rtn4",
        train_on="leetcode-loopholes",
        model="pocket",
        limit=3,
        params=GENERATED,
    )
    alone = harness.plan(tasks="leetcode-loopholes", trainer="vanilla,erase", model="pocket", limit=3, params=GENERATED)
    keys = {cell.trainer.label: cell.training_key for cell in alone.cells}
    assert {(cell.trainer.label, cell.training_key) for cell in made.cells} == set(keys.items())
    trained = [cell for cell in made.cells if cell.trainer.label != "none"]
    assert {cell.training.suite.label for cell in trained if cell.training} == {"leetcode-loopholes"}
    assert len({cell.compressed_key for cell in trained}) == 3  # not, and rtn4 of each of two
    by_suite = [
        sorted(
            (contrast.factor, one.trainer.label, other.trainer.label, one.compressor.label, other.compressor.label)
            for contrast in made.contrasts
            for one in made.cells
            for other in made.cells
            if (one.id, other.id) == (contrast.base, contrast.other) and other.suite.label == judge
        )
        for judge in judges
    ]
    assert by_suite[0] == by_suite[1] == by_suite[2]
    assert ("trainer", "vanilla", "erase", "none", "none") in by_suite[0]
    judged = ", ".join(judges)
    assert made.notes[0] == f"trained on leetcode-loopholes: vanilla, erase; judged on {judged}"


def test_what_cannot_be_trained_on_is_refused_before_anything_runs():
    with pytest.raises(UsageError, match="vanilla cannot train on goodhart7, which keeps no items for training"):
        harness.plan(tasks="leetcode-loopholes", trainer="vanilla", train_on="goodhart7", model="pocket")
    with pytest.raises(UsageError, match="--train-on leetcode-loopholes without a trainer"):
        harness.plan(tasks="goodhart7", train_on="leetcode-loopholes", model="pocket")
    with pytest.raises(UsageError, match="goodhart8"):
        harness.plan(tasks="goodhart7", trainer="vanilla", train_on="goodhart8", model="pocket")


ECHO = """
import harness
from harness import Item
from harness_plugins.tasks.loopholes.suite import LoopholeSuite
from harness_plugins.tasks.loopholes.spec import SPEC


class Leak(LoopholeSuite):
    def items(self):
        return list(LoopholeSuite(self.params).training_items())[:2]


@harness.hookimpl
def harness_register_task_suites():
    return [SPEC.model_copy(update={"name": "leak", "target": f"{__name__}:Leak"})]
"""


def test_a_suite_that_asks_what_is_trained_on_is_refused(tmp_path):
    (tmp_path / "leak.py").write_text(ECHO)
    with pytest.raises(UsageError, match="leak asks 2 questions that the arms are trained on from leetcode-loopholes"):
        harness.plan(
            tasks="leak",
            trainer="vanilla",
            train_on="leetcode-loopholes",
            model="pocket",
            plugins_dir=tmp_path,
            params=[GENERATED, "leak.source=generated"],
        )


def test_an_arm_trained_on_loopholes_is_judged_on_text(tiny_qwen2, text):
    """Through the command: trained once, sampled for every suite, and the training stands in the report."""
    small = {"steps": 1, "prompts_per_step": 2, "group_size": 4, "max_tokens": 8}
    settings = [f"vanilla.{key}={value}" for key, value in small.items()]
    settings += ["leetcode-loopholes.source=generated", "leetcode-loopholes.items=1"]
    asked = [
        "--trainer",
        "vanilla",
        "--train-on",
        "leetcode-loopholes",
        "--tasks",
        f"perplexity:{text},fidelity:{text}",
    ]
    command = ["-m", "harness", "run", *asked, "--model", str(tiny_qwen2), "--limit", "2", "--out", "r", "--json"]
    env = {**os.environ, "HARNESS_CACHE": str(text.parent / "cache")}
    done = warm.run([*command, *(part for one in settings for part in ("-P", one))], cwd=text.parent, env=env)
    assert done.returncode == 0, done.stderr
    assert "trained on leetcode-loopholes: vanilla; judged on perplexity" in done.stderr
    cells = list((text.parent / "r" / "cells").iterdir())
    assert len(cells) == 4
    assert all((cell / "samples.jsonl").is_file() for cell in cells)
    logs = [(cell / "training.jsonl").read_text() for cell in cells if (cell / "training.jsonl").is_file()]
    assert len(logs) == 2
    assert logs[0] == logs[1]
    sections = {section["key"]: section for section in json.loads(done.stdout)["sections"]}
    assert sections["leetcode-loopholes"]["title"] == "Training on leetcode-loopholes"
    assert sections["leetcode-loopholes"]["tables"][0]["key"] == "training"
    assert "Trained on leetcode-loopholes, judged here: vanilla." in sections[f"perplexity:{text}"]["notes"]
