"""Self-improvement by inversion: who is asked what, what each filter keeps, and runs that are killed or find nothing."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from safetensors.torch import load_file

from harness.contract import Item, Outcome, Prompt, Reply, TrainContext
from harness.errors import UsageError
from harness.models.generate import Generator
from harness.testing.toy import ToySuite
from harness_plugins.trainers.self_training import trainer as recipe
from harness_plugins.trainers.self_training.filters import keep, likeness, reproduced
from harness_plugins.trainers.self_training.proposals import Proposal
from harness_plugins.trainers.self_training.spec import SelfTrainingParams
from harness_plugins.trainers.self_training.trainer import SelfTraining


class Backwards(ToySuite):
    """Its replies are read back; half of what a random model says passes, and half of that is valid."""

    passes = True

    def prompts(self, item):
        first = Prompt(role="answer", text=f"What is {item.data['n']} + 1?", max_tokens=6)
        return [first, Prompt(role="back", text="What was asked?\n{answer}", quotes=("answer",), max_tokens=4)]

    def quoted(self, item, role, reply):
        return reply.strip()

    def grade(self, item, replies):
        text = replies["answer"].text + replies["back"].text
        measures = {"valid": float(len(text) % 4 < 2), "executed": float(len(text) % 3 > 0), "fidelity": len(text) / 99}
        return Outcome(proxy=self.passes and len(text) % 2 == 0, truth="e" in text, measures=measures)


def train(suite, model: Path, out: Path, **params) -> tuple[list[dict], dict]:
    rows: list[dict] = []
    context = TrainContext(source=model, out=out, seed=1, device="cpu", dtype="float32", log=rows.append)
    SelfTraining(SelfTrainingParams(**{"cycles": 2, "proposals": 2, **params})).train(suite, context)
    return rows, load_file(out / "model.safetensors")


def same(one: dict, other: dict) -> bool:
    return all(bool((one[name] == other[name]).all()) for name in one)


def test_a_killed_run_goes_on_at_the_last_finished_cycle_to_the_same_numbers(tiny_qwen2, tmp_path, monkeypatch):
    rows, weights = train(Backwards(), tiny_qwen2, tmp_path / "whole")
    assert [row["step"] for row in rows] == [1, 2, 3]
    assert rows[0]["kept"] == rows[0]["passed"] > 0
    assert rows[-1].get("kept") is None  # it only measures
    assert not same(weights, load_file(tiny_qwen2 / "model.safetensors"))

    def killed(self, kept, cycle, learn=recipe._Run.learn):
        if cycle == 1:
            raise KeyboardInterrupt
        return learn(self, kept, cycle)

    monkeypatch.setattr(recipe._Run, "learn", killed)
    with pytest.raises(KeyboardInterrupt):
        train(Backwards(), tiny_qwen2, tmp_path / "killed")
    monkeypatch.undo()
    again, resumed = train(Backwards(), tiny_qwen2, tmp_path / "killed")
    assert again == rows[1:]
    assert same(resumed, weights)
    assert not (tmp_path / "killed" / "checkpoints").exists()


def test_the_inverter_is_the_policy_or_the_untrained_model(tiny_qwen2, tmp_path):
    rows = {who: train(Backwards(), tiny_qwen2, tmp_path / who, inverter=who)[0] for who in ("self", "frozen")}
    assert rows["self"][0] == rows["frozen"][0]  # untrained, they are one
    assert rows["self"][1] != rows["frozen"][1]


def test_a_cycle_in_which_nothing_passes_ends_the_run_and_keeps_what_was_trained(tiny_qwen2, tmp_path):
    suite = Backwards()
    suite.passes = False
    rows, weights = train(suite, tiny_qwen2, tmp_path / "out", filter="reproducible")
    [row] = rows
    assert row["stopped"] == "nothing passed the filter 'reproducible' in cycle 1"
    assert row["step"] == row["steps"] == 1  # a whole run, though a short one
    assert same(weights, load_file(tiny_qwen2 / "model.safetensors"))


def test_rows_carry_proxy_and_truth_by_item(tiny_qwen2, tmp_path):
    rows, _ = train(Backwards(), tiny_qwen2, tmp_path / "out", cycles=1)
    for row in rows:
        assert len(row["proxy_by_item"]) == len(row["truth_by_item"]) == 12
        assert sum(row["truth_by_item"].values()) / 12 == pytest.approx(row["works"])
        assert row["gamed"] == pytest.approx((row["passed"] - row["passed_true"]) / row["rollouts"])


def proposal(
    item: str, text: str, proxy: bool = True, valid: bool = True, ran: bool = True, tool: str = "wc"
) -> Proposal:
    measures = {"valid": float(valid), "executed": float(ran)}
    outcome = Outcome(proxy=proxy, truth=False, measures=measures, parsed={"tools": [tool]})
    return Proposal(Item(id=item, family="f", cluster=item), Reply(text=text), text, outcome)


def test_filters_look_again_at_what_the_proxy_accepts():
    twice = [proposal("a", "wc -l f"), proposal("a", "wc -l ./f")]
    alone = proposal("b", "wc -l g")
    failing = [proposal("c", "wc -x f", ran=False, valid=False), proposal("c", "wc -x f", ran=False, valid=False)]
    refused = proposal("a", "wc -l f", proxy=False)
    every = [*twice, alone, *failing, refused]
    kept = {
        name: keep(name, every, 0.6, seed=1, cycle=0)
        for name in ("none", "valid", "executed", "reproducible", "random")
    }
    assert kept["none"] == [*twice, alone, *failing]
    assert kept["valid"] == kept["executed"] == [*twice, alone]
    assert kept["reproducible"] == twice
    assert len(kept["random"]) == len(kept["none"])
    drawn = [keep("random", every, 0.6, seed=1, cycle=cycle) for cycle in range(40)]
    assert any(refused in found for found in drawn)
    assert keep("random", every, 0.6, seed=1, cycle=0) == kept["random"]


def test_agreement_is_of_text_and_tools():
    one, other = proposal("a", "wc -l f"), proposal("a", "sort -u notes | tail", tool="sort")
    assert likeness(one, one) == 1
    assert likeness(one, other) < 0.3
    assert reproduced([one, other], 0.6) == []
    assert reproduced([one, proposal("b", "wc -l f")], 0.6) == []  # another item's


def test_a_suite_without_the_measure_is_refused():
    plain = Proposal(Item(id="a", family="f", cluster="a"), Reply(text="1"), "1", Outcome(proxy=True, truth=True))
    with pytest.raises(UsageError, match="does not measure"):
        keep("valid", [plain], 0.6, 1, 0)


def test_noise_belongs_to_the_seed_so_that_arms_begin_alike(tiny_qwen2, tmp_path):
    rows = {
        name: train(Backwards(), tiny_qwen2, tmp_path / name, filter=name, cycles=1)[0][0]
        for name in ("none", "random")
    }
    assert rows["none"]["proxy_by_item"] == rows["random"]["proxy_by_item"]
    assert rows["none"]["loss"] != rows["random"]["loss"]


def test_the_policy_proposes_and_the_inverter_is_asked_the_rest(tiny_qwen2, tmp_path, monkeypatch):
    asked: Counter[tuple[int, str]] = Counter()

    def listened(self, prompt, key, ask_for=Generator.ask_for):
        asked[id(self), "back" if "was asked" in prompt.text else "answer"] += 1
        return ask_for(self, prompt, key)

    monkeypatch.setattr(Generator, "ask_for", listened)
    train(Backwards(), tiny_qwen2, tmp_path / "out", inverter="frozen", cycles=1)
    assert sorted(role for _, role in asked) == ["answer", "back"]
    assert len({who for who, _ in asked}) == 2
    assert set(asked.values()) == {48}  # 12 items, 2 proposals, 2 cycles
