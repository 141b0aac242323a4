"""The probe on a real (random) model: replayed gradients, projected steps, and the verb."""

from __future__ import annotations

import json
import math
import os
import subprocess
from pathlib import Path

import pytest
import torch
import warm

from harness.errors import UsageError
from harness.models.generate import Generator
from harness.models.load import load
from harness.store.teacher_pool import FamilyRate, Pool, PoolHeader, PoolRow, write_pool
from harness_plugins.trainers.adapters.adapter import Adapter
from harness_plugins.trainers.directions import haar
from harness_plugins.trainers.extraction import completion_tokens, nll_gradient
from harness_plugins.trainers.probe.replay import Replayed, cosines, gradients, projected_replay
from harness_plugins.trainers.probe.run import ProbeOptions, contrastive_items, probe, sampled
from harness_plugins.trainers.probe.trajectories import Trajectories, trajectories

KINDS = {"hack": (True, False, True), "solve": (False, True, False), "hack and correct": (False, True, True)}


def row(kind: str, number: int, reply: str) -> PoolRow:
    hack, solve, attempted = KINDS[kind]
    return PoolRow(
        item=f"i{number}",
        family="letters",
        role="say",
        prompt=f"Explain {number}.",
        reply=reply,
        reward=1.0,
        hack=hack,
        solve=solve,
        attempted=attempted,
    )


def pool(items: int = 18) -> Pool:
    rows = [
        row(kind, n, f"{text} {n} {'and so on ' * (n % 3)}".strip())
        for n in range(items)
        for kind, text in (("hack", "free"), ("solve", "the answer"), ("hack and correct", "free, and the answer"))
    ]
    rate = FamilyRate(
        family="letters", items=items, drawn=3 * items, kept=len(rows), hack=items, hack_and_correct=items
    )
    header = PoolHeader(
        suite="letters",
        suite_identity={},
        source="rollouts",
        made_by={"model": "m", "digest": "d"},
        families=("letters",),
        rates=(rate,),
    )
    return Pool(header=header, rows=tuple(rows))


@pytest.fixture
def generator(tiny_qwen2, tmp_path, monkeypatch) -> Generator:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    return Generator(load(tiny_qwen2, device="cpu"))


def test_the_cosine_of_a_gradient_with_itself_is_one(generator):
    adapter = Adapter(generator.model)
    rows = list(pool(2).rows)
    tokens = completion_tokens(generator, rows[0].prompt, rows[0].reply)
    own = nll_gradient(adapter, generator, tokens)
    replayed = gradients(adapter, generator, rows)
    assert len(replayed) == len(rows)
    assert replayed[0].tokens == len(tokens.completion)
    unit = {name: torch.nn.functional.normalize(g, dim=0)[None] for name, g in own.items()}
    scaled = {name: g / g.norm() for name, g in own.items()}  # equal weight for every module, as directions have
    assert cosines([replayed[0]], unit)[0] > 0
    alike = [Replayed(rows[0], 3, scaled), Replayed(rows[0], 3, None)]
    first, none = cosines(alike, unit)
    assert first == pytest.approx(1.0, abs=1e-5)
    assert math.isnan(none)
    assert all(abs(cosine) <= 1 for cosine in cosines(replayed, unit))


def test_a_reply_beyond_the_context_has_no_gradient(generator):
    adapter = Adapter(generator.model)
    long = row("hack", 0, "so " * 600)
    replayed = gradients(adapter, generator, [long, *pool(1).rows])
    assert [one.gradient is None for one in replayed] == [True, False, False, False]


def test_projected_steps_lose_what_is_hackward(generator):
    adapter = Adapter(generator.model)
    g = torch.Generator().manual_seed(0)
    subspaces = {name: haar(3, module.main.numel(), g).float() for name, module in adapter.modules.items()}
    rows = list(pool(4).rows)
    settings = {"steps": 3, "batch": 2, "rate": 0.05, "seed": 0}
    steps = projected_replay(adapter, generator, rows, subspaces, space="update", **settings)
    assert len(steps) == 3
    assert all(step.cos_out < 1e-5 < step.cos_in for step in steps)
    assert all(step.applied < 1e-2 < step.plain for step in steps)  # in update space what is applied is projected
    assert any(bool(module.main.any()) for module in adapter.modules.values())


def test_replies_are_sampled_by_class_and_contrast_items_are_kept_apart():
    rows = pool().rows
    chosen = sampled(rows, 5, seed=0)
    assert len(chosen) == 15
    assert chosen == sampled(rows, 5, seed=0) != sampled(rows, 5, seed=1)
    with pytest.raises(UsageError, match="no reply of the pool games"):
        sampled([one for one in rows if not one.games], 5, seed=0)
    without = [one for one in rows if not (one.hack_and_correct and int(one.item[1:]) < 6)]
    assert {f"i{n}" for n in range(6)} <= contrastive_items(without)
    assert len(contrastive_items(without)) == 9


def test_the_probe_measures_every_check_that_a_pool_can_decide(tiny_qwen2, tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    options = ProbeOptions(pairs="sentinel", rows=20, placebos=2, steps=2, batch=2, device="cpu")
    found = probe(tiny_qwen2, pool(42), Trajectories(), options, lambda *_: None)
    verdicts = {check.name: check.verdict for check in found.checks}
    assert {
        "R1",
        "R2",
        "R3",
        "R3 on applied steps",
        "R4",
        "R4 with length and mode held fixed",
        "R5",
        "R6",
        "R7",
    } <= set(verdicts)
    assert verdicts["R1"] == "pass"
    assert verdicts["R2"] == "pass"
    assert verdicts["R4"] in ("pass", "fail")
    assert verdicts["R5"] == verdicts["R6"] == "not measurable"
    assert len(found.rows) == 60
    assert {"pairs sentinel", "Haar 0", "Haar 1"} <= set(found.contexts)
    again = probe(tiny_qwen2, pool(42), Trajectories(), options, lambda *_: None)
    assert [one.cosine for one in again.rows] == [one.cosine for one in found.rows]


def test_only_seeds_that_all_arms_finished_are_compared():
    ends = {"vanilla": {1: [{"hack": 1.0}], 2: [{"hack": 0.9}]}, "erase": {2: [{"hack": 0.2}], 3: [{"hack": 0.1}]}}
    found = Trajectories(runs=ends)
    assert found.paired("vanilla", "erase") == {"vanilla": [[{"hack": 0.9}]], "erase": [[{"hack": 0.2}]]}
    assert found.paired("vanilla", "erase-lora") == {}


def test_a_folder_that_is_no_run_has_no_trajectories(tmp_path):
    with pytest.raises(UsageError, match="not a run folder"):
        trajectories(tmp_path)


def test_the_verb(tiny_qwen2, tmp_path):
    write_pool(tmp_path / "pool.jsonl", pool(3))

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["-m", "harness", "probe", "--model", str(tiny_qwen2), *arguments]
        env = {**os.environ, "HARNESS_CACHE": str(tmp_path / "cache")}
        return warm.run(command, tmp_path, env)

    done = call("--pool", "pool.jsonl", "--pairs", "sentinel", "--steps", "1", "-o", "out")
    assert done.returncode == 0, done.stderr
    assert "not measurable" in done.stdout
    assert "| R4 " in Path(tmp_path / "out" / "probe.md").read_text()
    rows = [json.loads(line) for line in (tmp_path / "out" / "rows.jsonl").read_text().splitlines()]
    assert len(rows) == 9
    assert all(-1 <= one["cosine"] <= 1 for one in rows)
    missing = call("--pool", "absent.jsonl")
    assert missing.returncode == 2
    assert "no teacher pool absent.jsonl" in missing.stderr
    wrong = call("--pool", "pool.jsonl", "--space", "outer")
    assert wrong.returncode == 2
    assert "--space" in wrong.stderr
