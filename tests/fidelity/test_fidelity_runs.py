"""`harness run --tasks fidelity`, as a user types it."""

from __future__ import annotations

import json
import os

import pytest
import warm

from harness.errors import UsageError
from harness.planning.experiment import experiment_from
from harness.planning.plan import make_plan
from harness.registry.catalogue import load_catalogue
from harness.registry.plugins import load_plugins
from harness_plugins.tasks.fidelity.spec import FidelityParams
from harness_plugins.tasks.fidelity.suite import Fidelity


def test_fewer_bits_are_further_away_and_the_untouched_model_is_not(tmp_path):
    env = {**os.environ, "HARNESS_CACHE": str(tmp_path / "cache")}
    command = ["-m", "harness", "run", "--tasks", "fidelity", "-P", "fidelity.items=6", "--compressor", "rtn4,rtn2"]
    warm.run([*command, "--runs", "2", "-o", "r"], tmp_path, env, check=True)
    divergence, tokens = {}, {}
    for path in tmp_path.glob("r/cells/*/verdicts-*.jsonl"):
        arm = path.parent.name.split("--")[1]
        verdicts = [json.loads(line)["verdict"] for line in path.open()]
        values = [verdict["values"] for verdict in verdicts]
        tokens[arm] = [one for verdict in verdicts for one in verdict["pooled"]["KL_divergence"]]
        assert len(values) == 6  # a repeat would say the same
        divergence[arm] = sum(one["KL_divergence"] for one in values) / 6
    assert divergence["none"] == pytest.approx(0, abs=1e-6)
    assert 0.0001 < divergence["rtn4"] < divergence["rtn2"] / 5
    assert len(list((tmp_path / "cache" / "source-logits").glob("*.safetensors"))) == 1
    results = json.loads((tmp_path / "r" / "report" / "results.json").read_text())
    tables = {table["key"]: table["rows"] for section in results["sections"] for table in section["tables"]}
    _, four, two = tables["pooled-KL_divergence"]
    for row, arm in ((four, "rtn4"), (two, "rtn2")):
        assert row["n"] == len(tokens[arm])
        assert row["mean"]["value"] == pytest.approx(sum(tokens[arm]) / len(tokens[arm]))
        assert (
            row["0.5"]["value"] < row["0.9"]["value"] < row["0.99"]["value"] < row["0.999"]["value"] <= row["largest"]
        )
        low, high = row["0.99"]["interval"]
        assert low <= row["0.99"]["value"] <= high


def test_the_divergence_stands_beside_the_size_in_other_suites_tables(tmp_path):
    env = {**os.environ, "HARNESS_CACHE": str(tmp_path / "cache")}
    small = ["-P", "fidelity.items=2", "-P", "goodhart7.items=1", "-P", "goodhart7.families=['tip_split']"]
    command = ["-m", "harness", "run", "--tasks", "fidelity,goodhart7", "--compressor", "rtn2", *small]
    warm.run([*command, "-o", "r"], tmp_path, env, check=True)
    results = json.loads((tmp_path / "r" / "report" / "results.json").read_text())
    sections = {section["key"]: {table["key"]: table for table in section["tables"]} for section in results["sections"]}
    [base, other] = sections["goodhart7"]["results"]["rows"]
    own = [row["KL_divergence"]["value"] for row in sections["fidelity"]["results"]["rows"]]
    assert [row["size"]["KL_divergence"] for row in (base, other)] == pytest.approx(own)


def test_texts_come_from_every_family_and_none_is_asked_in_training():
    texts = Fidelity(FidelityParams(items=40)).texts
    assert len(set(texts)) == 40
    assert all("Answer:" in target for _, target in texts)


def test_a_backend_is_refused_when_the_run_is_planned():
    asked = {"tasks": ("fidelity",), "backend": "hf", "model": ("pocket",)}
    with pytest.raises(UsageError, match="compares the weights of two models"):
        make_plan(experiment_from(asked), load_catalogue(load_plugins()))
