"""The stock lm_eval command on our suites gives the counts that `harness run` gives."""

from __future__ import annotations

import json
import math
import os
from importlib.metadata import entry_points

import pytest
import warm

pytest.importorskip("lm_eval", reason="lm-eval is not installed (pip install 'goodhart-harness[lm-eval]')")

from harness.contract import Outcome
from harness.lm_eval.rates import quotient, ratio_term
from harness.registry.catalogue import load_catalogue
from harness.registry.plugins import load_plugins

REGISTRY = """
[tasks.few]
plugin = "goodhart"
understanding = "explain"
items = 1
families = ["discount_coupon", "time_duration", "recipe_scale"]
max_tokens = 200

[tasks.chosen]
plugin = "goodhart"
understanding = "choose"
items = 2
families = ["discount_coupon", "time_duration"]
max_tokens = 100

[tasks.loops]
plugin = "leetcode-loopholes"
source = "generated"
items = 3
"""


def agree(tmp_path, model: str, tasks: str, *options: str) -> None:
    """Greedy, float32, the same items, limits and stops: every rate that lm_eval prints is the one of the stored verdicts."""
    from harness.registry.sources import resolve

    folder = resolve(model)
    (tmp_path / "registry.toml").write_text(REGISTRY)
    env = {**os.environ, "HARNESS_CACHE": str(tmp_path / "cache"), "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}

    def run(*command: str) -> str:
        done = warm.run(["-m", *command], tmp_path, env)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    path = run("harness", "lm-eval-path").strip()
    run(
        "lm_eval", "run", "--model", "hf", "--model_args", f"pretrained={folder},dtype=float32", "--tasks", tasks,
        "--include_path", path, "--device", "cpu", "--batch_size", "8", "--apply_chat_template", "--output_path", "lm",
        *options,
    )  # fmt: skip
    (results,) = tmp_path.glob("lm/**/results_*.json")
    theirs = json.loads(results.read_text())["results"]
    run("harness", "run", "--tasks", tasks, "--model", str(folder), "--out", "r", *options)
    catalogue = load_catalogue(load_plugins())
    assert set(theirs) == set(tasks.split(","))
    for cell in tmp_path.glob("r/cells/*/cell.json"):
        suite = json.loads(cell.read_text())["suite"]
        (verdicts,) = cell.parent.glob("verdicts-*.jsonl")
        outcomes = [Outcome.model_validate(json.loads(line)["verdict"]) for line in verdicts.open()]
        axes = catalogue.spec("tasks", suite["plugin"])[0].axes
        for rate in axes.rates:
            ours = quotient([ratio_term(rate, outcome) for outcome in outcomes])
            found = theirs[suite["label"]][f"{rate.name},none"]
            assert found == pytest.approx(ours) or (math.isnan(ours) and math.isnan(float(found))), rate.name


def test_lm_eval_and_harness_run_agree(tmp_path):
    agree(tmp_path, "pocket", "few,goodhart20", "--limit", "3")


def test_they_agree_on_understanding_by_choosing(tmp_path):
    agree(tmp_path, "pocket", "chosen")


@pytest.mark.slow
def test_they_agree_on_programs_run_in_the_sandbox(tmp_path):
    agree(tmp_path, "pocket-code", "loops")


def test_the_folder_has_every_suite_with_two_axes(tmp_path):
    env = {**os.environ, "HARNESS_CACHE": str(tmp_path)}
    done = warm.run(["-m", "harness", "lm-eval-path"], env=env, check=True)
    names = {path.stem for path in type(tmp_path)(done.stdout.strip()).glob("*.yaml")}
    assert {"goodhart7", "goodhart20", "leetcode-loopholes"} <= names
    assert "perplexity" not in names


def test_what_newer_versions_of_lm_eval_look_up_is_what_the_decorators_register():
    """They read entry points by name; the object behind one must be the one that its module registers under that name."""
    from lm_eval.api.registry import aggregation_registry, model_registry

    found = {}
    for group in ("lm_eval.models", "lm_eval.aggregations"):
        for entry in entry_points(group=group):
            if entry.value.startswith("harness."):
                found[entry.name] = entry.load()
    if not found:
        pytest.skip("this checkout was installed before it had these entry points (pip install -e . again)")
    assert found == {
        "harness": model_registry.get("harness"),
        "harness-quotient": aggregation_registry.get("harness-quotient"),
    }


def test_the_model_harness_takes_registry_entries():
    from lm_eval.api.instance import Instance

    from harness.lm_eval.model import HarnessLM

    lm = HarnessLM("pocket", device="cpu", dtype="float32")
    question = lm.apply_chat_template([{"role": "user", "content": "What is 2 + 2?"}])
    limits = {"until": [], "max_gen_toks": 16, "do_sample": False}
    assert lm.generate_until([Instance("generate_until", {}, (question, limits), 0)], disable_tqdm=True)[0]
