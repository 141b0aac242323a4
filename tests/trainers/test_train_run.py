"""Arms on the loophole suite with its real sandbox, and through the real command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.contract import TrainContext
from harness.models.load import load
from harness.registry.presets import read_registry_file
from harness_plugins.tasks.loopholes.spec import LoopholeParams
from harness_plugins.tasks.loopholes.suite import LoopholeSuite
from harness_plugins.trainers.grpo import Grpo
from harness_plugins.trainers.spec import GrpoParams

REGISTRY = Path(__file__).parents[2] / "registry.toml"
SUITE = {"source": "generated", "items": "1", "max_tokens": "12"}


def test_every_preset_has_parameters_that_hold_and_arms_that_exist():
    presets = read_registry_file(REGISTRY, "test", 0).presets["trainers"]
    assert {"vanilla", "no-teacher", "erase", "erase-random", "erase-shuffled", "erase-clean", "route"} <= set(presets)
    for preset in presets.values():
        GrpoParams.model_validate(preset.params)
        assert {preset.base, preset.control} - {None} <= set(presets)


def test_a_control_differs_in_one_factor():
    presets = read_registry_file(REGISTRY, "test", 0).presets["trainers"]
    params = {name: GrpoParams.model_validate(preset.params).model_dump() for name, preset in presets.items()}
    for name, preset in presets.items():
        if preset.control:
            own, control = params[name], params[preset.control]
            changed = {key for key, value in own.items() if control[key] != value}
            assert len(changed) <= 1, (name, preset.control, changed)  # none: a suffix sets the one parameter


def test_two_steps_on_the_loopholes(tiny_qwen2, tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    rows: list[dict] = []
    context = TrainContext(source=tiny_qwen2, out=tmp_path / "out", seed=1, device="cpu", dtype="auto", log=rows.append)
    params = GrpoParams(arm="route", steps=2, prompts_per_step=3, group_size=4, max_tokens=12)
    trainer = Grpo(params)
    trained = trainer.train(None, LoopholeSuite(LoopholeParams.model_validate(SUITE)), context)
    assert [row["step"] for row in rows] == [1, 2]
    assert sum(row["taught"] for row in rows) > 0  # confirmed by the suite's own graders
    assert all(row["cos_out"] < 1e-5 < row["cos_in"] for row in rows if not row["skipped"])
    assert any(not row["skipped"] for row in rows)
    deployed = trainer.deploy(trained, context.model_copy(update={"out": tmp_path / "deployed"}))
    assert load(deployed, device="cpu").model is not None


@pytest.mark.slow
def test_arms_through_the_command(tiny_qwen2, tmp_path):
    """Trained in their cells, sampled, graded and reported; a routed run's rollouts are vanilla's."""
    small = {"steps": "2", "prompts_per_step": "2", "group_size": "4", "max_tokens": "12"}
    settings = [f"leetcode-loopholes.{key}={value}" for key, value in SUITE.items()]
    settings += [f"{arm}.{key}={value}" for arm in ("vanilla", "route") for key, value in small.items()]
    command = [sys.executable, "-m", "harness", "run", "--trainer", "vanilla,route", "--tasks", "leetcode-loopholes"]
    command += ["--model", str(tiny_qwen2), "--out", "r", *[part for it in settings for part in ("-P", it)]]
    env = {**os.environ, "HARNESS_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    logs = {path.parent.name: path.read_text().splitlines() for path in tmp_path.glob("r/cells/*/training.jsonl")}
    assert len(logs) == 2
    first, second = ([json.loads(line) for line in lines] for lines in logs.values())
    assert [row["reward"] for row in first] == [row["reward"] for row in second]
    assert len(list(tmp_path.glob("r/cells/*/samples.jsonl"))) == 3  # with the untouched baseline
