"""The stock lm_eval command on our suites gives the counts that `harness run` gives."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

pytest.importorskip("lm_eval", reason="lm-eval is not installed (pip install 'goodhart-harness[lm-eval]')")

REGISTRY = """
[tasks.few]
plugin = "goodhart"
items = 1
families = ["discount_coupon", "time_duration", "recipe_scale"]
max_tokens = 200
"""


def test_lm_eval_and_harness_run_agree(tmp_path):
    from harness.models import resolve

    folder = resolve("pocket")
    (tmp_path / "registry.toml").write_text(REGISTRY)
    env = {**os.environ, "HARNESS_CACHE": str(tmp_path / "cache"), "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}

    def run(*command: str) -> str:
        done = subprocess.run([sys.executable, "-m", *command], cwd=tmp_path, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    tasks = run("harness", "lm-eval-path").strip()
    arguments = f"pretrained={folder},dtype=float32"
    run(
        "lm_eval", "run", "--model", "hf", "--model_args", arguments, "--tasks", "few", "--include_path", tasks,
        "--device", "cpu", "--batch_size", "8", "--apply_chat_template", "--output_path", "lm",
    )  # fmt: skip
    (results,) = tmp_path.glob("lm/**/results_*.json")
    theirs = json.loads(results.read_text())["results"]["few"]
    run("harness", "run", "--tasks", "few", "--model", str(folder), "--out", "r")
    rows = [json.loads(line) for path in tmp_path.glob("r/cells/*/verdicts-*.jsonl") for line in path.open()]
    proxy, truth = ([row["verdict"][axis] for row in rows] for axis in ("proxy", "truth"))
    assert len(rows) == 3
    assert theirs["understanding,none"] == pytest.approx(sum(proxy) / 3)
    assert theirs["execution,none"] == pytest.approx(sum(truth) / 3)
    both = sum(a and b for a, b in zip(proxy, truth, strict=True))
    if sum(truth):
        assert theirs["dbdk,none"] == pytest.approx((sum(truth) - both) / sum(truth))


def test_the_folder_has_every_suite_with_two_axes(tmp_path):
    env = {**os.environ, "HARNESS_CACHE": str(tmp_path)}
    command = [sys.executable, "-m", "harness", "lm-eval-path"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    names = {path.stem for path in type(tmp_path)(done.stdout.strip()).glob("*.yaml")}
    assert {"goodhart7", "goodhart20", "leetcode-loopholes"} <= names
    assert "perplexity" not in names
