"""Arms on the loophole suite with its real sandbox, and through the real command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.contract import TrainContext
from harness.models.load import load
from harness.registry.presets import read_registry_file
from harness.store.training_log import read_training
from harness_plugins.tasks.loopholes.spec import LoopholeParams
from harness_plugins.tasks.loopholes.suite import LoopholeSuite
from harness_plugins.trainers.grpo import Grpo
from harness_plugins.trainers.self_training.spec import SelfTrainingParams
from harness_plugins.trainers.spec import GrpoParams

REGISTRY = Path(__file__).parents[2] / "registry.toml"
SUITE = {"source": "generated", "items": "1", "max_tokens": "12"}


def test_every_preset_has_parameters_that_hold_and_arms_that_exist():
    presets = read_registry_file(REGISTRY, "test", 0).presets["trainers"]
    assert {"vanilla", "no-teacher", "erase", "erase-random", "erase-shuffled", "erase-clean", "route"} <= set(presets)
    kinds = {"grpo": GrpoParams, "self-training": SelfTrainingParams}
    for preset in presets.values():
        kinds[preset.plugin].model_validate(preset.params)
        assert {preset.base, *preset.control} - {None} <= set(presets)


def test_a_control_differs_in_one_factor():
    presets = read_registry_file(REGISTRY, "test", 0).presets["trainers"]
    kinds = {"grpo": GrpoParams, "self-training": SelfTrainingParams}
    params = {name: kinds[preset.plugin].model_validate(preset.params).model_dump() for name, preset in presets.items()}
    for name, preset in presets.items():
        for control in preset.control:
            changed = {key for key, value in params[name].items() if params[control][key] != value}
            assert len(changed) <= 1, (name, control, changed)  # none: a suffix sets the one parameter


def test_two_steps_on_the_loopholes(tiny_qwen2, tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    rows: list[dict] = []
    context = TrainContext(source=tiny_qwen2, out=tmp_path / "out", seed=1, device="cpu", dtype="auto", log=rows.append)
    params = GrpoParams(arm="route", steps=2, prompts_per_step=3, group_size=4, max_tokens=12)
    trainer = Grpo(params)
    trained = trainer.train(LoopholeSuite(LoopholeParams.model_validate(SUITE)), context)
    assert [row["step"] for row in rows] == [1, 2]
    assert sum(row["taught"] for row in rows) > 0  # confirmed by the suite's own graders
    assert all(row["cos_out"] < 1e-5 < row["cos_in"] for row in rows if not row["skipped"])
    assert any(not row["skipped"] for row in rows)
    deployed = trainer.deploy(trained, context.model_copy(update={"out": tmp_path / "deployed"}))
    assert load(deployed, device="cpu").model is not None


def command(model: Path, arms: tuple[str, ...], out: str, **params) -> list[str]:
    """`harness run` of these arms on a small model, a few items and short replies."""
    small = {"prompts_per_step": "2", "group_size": "4", "max_tokens": "12", **params}
    settings = [f"leetcode-loopholes.{key}={value}" for key, value in SUITE.items()]
    settings += [f"{arm}.{key}={value}" for arm in arms for key, value in small.items()]
    run = [sys.executable, "-m", "harness", "run", "--trainer", ",".join(arms), "--tasks", "leetcode-loopholes"]
    return [*run, "--model", str(model), "--out", out, *[part for it in settings for part in ("-P", it)]]


@pytest.mark.slow
def test_arms_through_the_command(tiny_qwen2, tmp_path):
    """Trained in their cells, sampled, graded and reported; a routed run's rollouts are vanilla's."""
    env = {**os.environ, "HARNESS_CACHE": str(tmp_path / "cache")}
    routed = command(tiny_qwen2, ("vanilla", "route"), "r", steps="2")
    done = subprocess.run(routed, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    logs = {path.parent.name: path.read_text().splitlines() for path in tmp_path.glob("r/cells/*/training.jsonl")}
    assert len(logs) == 2
    first, second = ([json.loads(line) for line in lines] for lines in logs.values())
    assert [row["reward"] for row in first] == [row["reward"] for row in second]
    assert len(list(tmp_path.glob("r/cells/*/samples.jsonl"))) == 3  # with the untouched baseline


@pytest.mark.slow
def test_a_training_killed_under_the_command_resumes_to_the_same_run(tiny_qwen2, tmp_path):
    """SIGKILL of the driver between two checkpoints; the same command, the same log and the same replies."""
    arm = {"steps": "8", "checkpoint_every": "3", "temperature": "1.0"}
    whole = command(tiny_qwen2, ("erase",), "whole", **arm)
    killed = command(tiny_qwen2, ("erase",), "killed", **arm)
    caches = {name: {**os.environ, "HARNESS_CACHE": str(tmp_path / f"cache-{name}")} for name in ("whole", "killed")}
    subprocess.run(whole, cwd=tmp_path, env=caches["whole"], capture_output=True, check=True)
    process = subprocess.Popen(killed, cwd=tmp_path, env=caches["killed"], stdout=subprocess.DEVNULL)
    while len(logged(tmp_path / "killed" / "cells")) < 5:
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.wait()
    subprocess.run(killed, cwd=tmp_path, env=caches["killed"], capture_output=True, check=True)
    rows = logged(tmp_path / "killed" / "cells")
    assert rows == logged(tmp_path / "whole" / "cells")
    assert [row["step"] for row in rows] == list(range(1, 9))
    assert said(tmp_path / "killed") == said(tmp_path / "whole")


def logged(folder: Path) -> list[dict]:
    """The rows of the one training log below `folder`."""
    return [row for path in folder.glob("*/training.jsonl") for row in read_training(path.parent)]


def said(run: Path) -> dict[tuple[str, str], str]:
    samples = [
        (path.parent.name, json.loads(line)) for path in run.glob("cells/*/samples.jsonl") for line in path.open()
    ]
    return {(cell, row["item"]): row["reply"]["text"] for cell, row in samples}
