"""`harness plan --machine`: hours and disk on GPUs that are not here, as an estimate from shapes."""

from __future__ import annotations

import json

import pytest

from harness.checkpoints.checkpoint import stored_bytes
from harness.contract import TrainingWork
from harness.errors import UsageError
from harness.planning.experiment import Experiment
from harness.planning.machines import GPUS, parse_machines
from harness.planning.plan import make_plan
from harness.registry.catalogue import load_catalogue
from harness.registry.plugins import load_plugins
from harness.running.products import CHARACTERS, TEMPLATE, Size
from harness.running.rented import SHARE, Rented, rented


def test_machines_are_named_by_gpu_and_count():
    assert [(one.name, one.gpus) for one in parse_machines("h100, l40sx4,a100x12")] == [
        ("h100", 1),
        ("l40sx4", 4),
        ("a100x12", 12),
    ]
    for wrong in ("b900x1", "h100x0", "h100x", "2xh100", "h100x999"):
        with pytest.raises(UsageError, match=r"no machine .* GPUs: h200, h100"):
            parse_machines(wrong)


def test_a_plan_says_what_it_would_take_elsewhere(cli):
    given = ("plan", "--tasks", "toy", "--model", str(cli.model), "--compressor", "rtn4,uniform3", "--out", "r")
    found = json.loads(cli(*given, "--machine", "h100x1,h100x2,l4", "--json").stdout)
    by_name = {one["machine"]: one for one in found["machines"]}
    one, two, small = by_name["h100x1"], by_name["h100x2"], by_name["l4"]
    assert one["seconds"]["sample"] == pytest.approx(2 * two["seconds"]["sample"])
    assert 0 < one["seconds"]["sample"] < small["seconds"]["sample"]
    assert 0 < one["seconds"]["compress"] < small["seconds"]["compress"]
    model = sum(path.stat().st_size for path in cli.model.glob("*.safetensors"))
    assert model < one["disk"] < 3 * model  # the model and two artefacts that are smaller
    assert (one["fits"], one["over"], one["left_out"]) == (True, 1, [])
    said = cli(*given, "--machine", "h100").stdout
    assert "h100, estimated: " in said
    assert "GB disk" in said
    assert not (cli.cwd / "r").exists()  # nothing was run


def test_what_a_server_answers_takes_no_machine(tiny_qwen2):
    catalogue = load_catalogue(load_plugins())
    letters = {"goodhart7": {"understanding": "letters", "items": 1}}
    plan = make_plan(Experiment(model=(str(tiny_qwen2),), tasks=("goodhart7",), params=letters), catalogue)
    (cell,) = plan.cells
    away = cell.model_copy(update={"model": cell.model.model_copy(update={"path": ""})})
    asked = plan.experiment.model_copy(update={"backend": "local-chat-completions"})
    (found,) = rented(plan.model_copy(update={"cells": (away,), "experiment": asked}), parse_machines("l4"), catalogue)
    assert (found.disk, found.memory, found.left_out) == (0, 0, ("what servers answer",))


def test_a_training_is_reckoned_from_what_its_trainer_says(tiny_qwen2, monkeypatch):
    catalogue = load_catalogue(load_plugins())
    suite = {"leetcode-loopholes": {"source": "generated", "items": 1, "max_tokens": 10}}
    arms = ("vanilla", "erase")
    asked = Experiment(
        model=(str(tiny_qwen2),), tasks=("leetcode-loopholes",), trainer=arms, params=suite, dtype="float32"
    )
    plan = make_plan(asked, catalogue)

    def on(machine: str, **work) -> Rented:
        said = TrainingWork(**work) if work else None
        monkeypatch.setattr("harness_plugins.trainers.grpo.Grpo.work", lambda self: said, raising=False)
        (found,) = rented(plan, parse_machines(machine), catalogue)
        return found

    assert on("h100").left_out == ("training by grpo",)
    assert on("h100").disk == pytest.approx(3 * stored_bytes(tiny_qwen2), rel=0.01)  # a copy for each training
    assert "train" not in on("h100").seconds
    passes = on("h100", replies=0, at_once=1, learnt=1000, max_tokens=10)
    trained = catalogue.build(plan.cells[-1].suite)
    characters = [len(trained.prompts(item)[0].text) for item in trained.training_items()]
    tokens = sum(characters) / len(characters) / CHARACTERS + TEMPLATE + 10
    parameters = Size.of(str(tiny_qwen2)).parameters
    by_hand = 2 * 6 * parameters * 1000 * tokens / GPUS["h100"].single / SHARE  # two arms
    assert passes.seconds["train"] == pytest.approx(by_hand)
    assert on("h100", replies=0, at_once=1, learnt=1000, compared=3000, max_tokens=10).seconds[
        "train"
    ] == pytest.approx(2 * passes.seconds["train"])
    written = on("h100", replies=1000, at_once=1, learnt=1000, max_tokens=10)
    assert written.seconds["train"] > passes.seconds["train"]
    assert on("h100x2", replies=0, at_once=1, learnt=1000, max_tokens=10).seconds["train"] == pytest.approx(
        passes.seconds["train"] / 2
    )
    assert "a training's memory" in written.left_out


def test_an_unknown_machine_is_one_line(cli):
    done = cli("plan", "--tasks", "toy", "--model", str(cli.model), "--machine", "tpu9", code=2)
    assert "no machine 'tpu9'" in done.stderr
