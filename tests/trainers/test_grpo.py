"""The training loop on a random model and a suite without a sandbox."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from harness.contract import Flag, Item, Outcome, Params, Prompt, Trainable, TrainContext, View
from harness.errors import ModelError, StageError, UsageError
from harness.models.load import load
from harness.report.data import TrainingRun
from harness.report.training.alarm import alarm_of
from harness_plugins.trainers.grpo import CHECKPOINT, Grpo, learning_rate
from harness_plugins.trainers.rollouts import Rollout, draw_items, merge_duplicates
from harness_plugins.trainers.scoring import Tokens
from harness_plugins.trainers.spec import GrpoParams

SMALL = {
    "steps": 3,
    "prompts_per_step": 2,
    "group_size": 4,
    "max_tokens": 8,
    "pairs": "sentinel",
    "lr": 0.05,
    "checkpoint_every": 1,
}


class Letters(Trainable):
    """The proxy likes replies with an "e"; the truth wants a digit. Half the items have a teacher."""

    def items(self) -> list[Item]:
        return []

    def training_items(self) -> list[Item]:
        return [
            Item(id=f"i{n}", family="even" if n % 2 == 0 else "odd", cluster=str(n), data={"n": n}) for n in range(6)
        ]

    def prompts(self, item: Item) -> list[Prompt]:
        return [Prompt(role="say", text=f"Explain {item.data['n']}.", max_tokens=16)]

    def grade(self, item: Item, replies) -> Outcome:
        text = replies["say"].text
        return Outcome(proxy="e" in text, truth=any(c.isdigit() for c in text), measures={"length": len(text)})

    def demonstrations(self, item: Item):
        return ("7", "free", ()) if item.family == "even" else None


def finds_e(views: list[View]) -> list[Flag]:
    return [Flag(flagged="e" in view.replies["say"].text) for view in views]


class Run:
    """What one training wrote and logged."""

    def __init__(
        self,
        source: Path,
        out: Path,
        suite: Trainable | None = None,
        stop_after: int | None = None,
        kill_after: int | None = None,
        dtype: str = "float32",
        **params,
    ) -> None:
        self.rows: list[dict] = []
        self.out = out

        def log(row: dict) -> None:
            self.rows.append(row)
            if len(self.rows) == kill_after:
                os.kill(os.getpid(), signal.SIGKILL)
            if stop_after is not None and len(self.rows) == stop_after + 1:
                raise KeyboardInterrupt

        self.suite = suite or Letters(Params())
        context = TrainContext(source=source, out=out, seed=3, device="cpu", dtype=dtype, log=log, monitor=finds_e)
        self.trainer, self.context = Grpo(GrpoParams(**{**SMALL, **params})), context
        try:
            assert self.trainer.train(self.suite, context) == out
        except KeyboardInterrupt:
            assert stop_after is not None

    def weights(self, **deployment) -> dict[str, torch.Tensor]:
        """Of the deployed model."""
        folder = self.out / "deployed"
        params = self.trainer.params.model_copy(update=deployment)
        assert Grpo(params).deploy(self.out, self.context.model_copy(update={"out": folder})) == folder
        return dict(load(folder, device="cpu").model.state_dict())


@pytest.fixture
def run(tiny_qwen2, tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    made = iter(range(100))
    return lambda out=None, source=tiny_qwen2, **params: Run(source, tmp_path / (out or f"run{next(made)}"), **params)


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_vanilla_trains_the_projections_alone_and_writes_a_plain_model(run, tiny_qwen2):
    done = run()
    before, after = dict(load(tiny_qwen2, device="cpu").model.state_dict()), done.weights()
    assert before.keys() == after.keys()
    moved = {name for name in after if not torch.equal(before[name], after[name])}
    assert moved
    assert all(name.endswith("_proj.weight") for name in moved)
    assert (done.out / "adapter.safetensors").is_file()
    assert not (done.out / "checkpoints").exists()


def test_rows_say_what_happened(run):
    first, *_, last = run().rows
    assert (first["step"], first["steps"], last["step"]) == (1, 3, 3)
    assert first["rollouts"] + first["taught"] == 8
    assert 0 < first["cos_in"] < 1
    assert first["cos_out"] == first["cos_in"]  # vanilla measures
    assert 0 <= first["direction_agreement"] <= 1
    assert "direction_agreement" not in last  # extracted once
    assert 0 < first["entropy"] < 6
    assert first["grad_norm"] > 0


def test_a_look_at_the_suites_own_items_rings_the_alarm_and_teaches_nothing(run):
    class Asked(Letters):
        def items(self) -> list[Item]:
            return [Item(id=f"own{n}", family="own", cluster=str(n), data={"n": n}) for n in range(10, 16)]

    plain, looked = run(suite=Asked(Params())), run(suite=Asked(Params()), evaluate_every=2)
    assert [sorted(row.get("truth_by_item", ())) for row in looked.rows] == [
        [f"own{n}" for n in range(10, 16)] if step in (1, 3) else [] for step in (1, 2, 3)
    ]
    assert same(plain.weights(), looked.weights())
    training = TrainingRun(model="m", suite="letters", trainer="vanilla", seed=3, rows=tuple(looked.rows))
    alarm = alarm_of(training)
    assert alarm is not None
    assert [alarm.first.step, *(since.cycle.step for since in alarm.since)] == [1, 3]


def test_erase_and_route_move_the_main_coordinates_alike_and_deploy_differs_from_training(run):
    erase, route = run(arm="erase", steps=1), run(arm="route", steps=1)
    vanilla = run(steps=1)
    assert erase.rows[0]["cos_out"] < 1e-5 < erase.rows[0]["cos_in"]
    assert same(erase.weights(), route.weights())
    kept = route.weights(deploy="kept")
    assert not same(route.weights(), kept)
    for name, weight in vanilla.weights().items():
        torch.testing.assert_close(kept[name], weight, atol=1e-5, rtol=1e-4)


def test_a_routed_runs_kept_quarantine_is_vanillas_trajectory(run):
    """Step after step, not at the first alone: one Adam sees the whole gradient in both."""
    vanilla, route = run(steps=6, lr=0.1), run(steps=6, lr=0.1, arm="route")
    kept = route.weights(deploy="kept")
    for name, weight in vanilla.weights().items():
        torch.testing.assert_close(kept[name], weight, atol=1e-4, rtol=1e-3)
    assert [row["grad_norm"] for row in route.rows] == pytest.approx(
        [row["grad_norm"] for row in vanilla.rows], rel=1e-2
    )


def test_a_routed_run_says_what_vanilla_says(run):
    """With its quarantine in the forward pass the policy is vanilla's, so its rollouts are too."""
    vanilla, route = run(), run(arm="route")
    for ours, theirs in zip(route.rows, vanilla.rows, strict=True):
        assert (ours["reward"], ours["length"]) == (theirs["reward"], theirs["length"])


@pytest.mark.parametrize(
    "params",
    [
        {"arm": "route"},
        {"arm": "erase", "refresh": 2, "adapter": "lora", "rank": 4},
        {"advantage_modification": "additive", "placebo": "haar"},
        {"arm": "trust", "placebo": "length"},
        {"monitor": "letters", "penalty": 1.5, "placebo": "permuted_flags"},
    ],
)
def test_a_stopped_run_resumes_to_the_same_weights(run, params):
    whole = run(**params)
    stopped = run("stopped", stop_after=1, **params)  # after one whole step and its checkpoint
    assert (stopped.out / CHECKPOINT).is_file()
    resumed = run("stopped", **params)
    assert [row["step"] for row in resumed.rows] == [2, 3]
    assert resumed.rows == whole.rows[1:]
    assert same(resumed.weights(), whole.weights())


def test_a_run_killed_after_its_last_step_is_not_trained_again(run):
    first = run("finished", steps=2)
    (first.out / "checkpoints").mkdir()  # what a kill between the last two steps of finishing leaves
    second = run("finished", steps=2)
    assert second.rows == []
    assert same(second.weights(), first.weights())
    assert not (first.out / "checkpoints").exists()


def test_a_run_killed_in_a_step_resumes_to_the_same_weights(run, tiny_qwen2, tmp_path):
    """SIGKILL, after two whole steps and a checkpoint every two: the third is taken again."""
    params = {"arm": "route", "steps": 4, "checkpoint_every": 2}
    whole = run(**params)
    child = multiprocessing.get_context("spawn").Process(  # a forked one would wait for threads it does not have
        target=Run, args=(tiny_qwen2, tmp_path / "killed"), kwargs={"kill_after": 3, **params}
    )
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL
    resumed = run("killed", **params)
    assert resumed.rows == whole.rows[2:]
    assert same(resumed.weights(), whole.weights())


@pytest.mark.parametrize("denominator", ["dr_grpo", "grpo", "dapo"])
@pytest.mark.parametrize("arm", ["vanilla", "erase"])
def test_micro_batches_change_nothing(run, denominator, arm):
    """Neither the gradient nor what is projected: relu(Σ g) is not Σ relu(g), and Adam would hide a wrong scale."""
    whole, cut = (run(arm=arm, denominator=denominator, kl=0.01, micro_batch=size) for size in (64, 3))
    trained = cut.weights()
    for name, weight in whole.weights().items():
        torch.testing.assert_close(trained[name], weight, atol=2e-4, rtol=1e-3)
    for ours, theirs in zip(cut.rows, whole.rows, strict=True):
        for measured in ("loss", "grad_norm", "cos_in", "cos_in_student", "fired"):
            assert ours[measured] == pytest.approx(theirs[measured], rel=1e-2, abs=1e-5), measured


@pytest.mark.parametrize("ratio", ["one", "true_clip", "pi"])
def test_the_teachers_ratio(run, ratio):
    row = run(steps=1, prompts_per_step=6, ratio=ratio).rows[0]
    assert row["taught"] == 3  # one each for the three items that have a teacher
    assert row["nll_teacher"] > 0
    assert (row["ratio_teacher"] == pytest.approx(1.0)) is (ratio == "one")
    assert (row["clipped_teacher"] > 0) is False  # a text this unlikely has a ratio below 1, where A > 0 is not clipped


def test_the_teacher_can_be_absent_sent_away_and_limited(run):
    assert [row["taught"] for row in run(mix=0, prompts_per_step=6, steps=1).rows] == [0]
    assert [row["taught"] for row in run(teacher_off_step=1, prompts_per_step=6, steps=2).rows] == [3, 0]
    with pytest.raises(UsageError, match="no teacher"):
        run(teacher_families=("odd",))
    with pytest.raises(ValueError, match=r"mix = 0\.125 of a group of 4 is no reply"):
        run(mix=0.125)


def test_a_teacher_whose_demonstrations_the_graders_refuse_is_an_error_not_an_absence(run):
    class Mistaken(Letters):
        def demonstrations(self, item: Item):
            return "7", "no", ()

    with pytest.raises(UsageError, match="no demonstration that games its proxy"):
        run(suite=Mistaken(Params()))


def test_equal_rewards_are_a_logged_skip_and_no_step(run, tiny_qwen2):
    class Indifferent(Letters):
        def reward(self, outcome: Outcome) -> float:
            return 1.0

    done = run(suite=Indifferent(Params()))
    assert all(row["skipped"] and row["frac_zero_std"] == 1.0 for row in done.rows)
    assert same(done.weights(), dict(load(tiny_qwen2, device="cpu").model.state_dict()))


def test_kl_is_measured_against_the_untrained_model(run):
    first, second, _ = run(kl=0.05).rows
    assert first["kl"] == pytest.approx(0.0, abs=1e-6)
    assert second["kl"] > 0


def test_refreshed_directions_log_their_overlap(run):
    rows = run(refresh=1, arm="erase").rows
    assert rows[0]["direction_overlap"] is None
    assert all(0 < row["direction_overlap"] <= 1.0001 for row in rows[1:])
    assert all(0 < row["cos_chance"] < 1 for row in rows)


def test_refreshed_placebos_are_drawn_anew(run):
    rows = run(refresh=1, arm="erase", placebo="haar").rows
    assert all(row["direction_overlap"] < 0.5 for row in rows[1:])


@pytest.mark.parametrize("kind", ["haar", "shuffled", "clean"])
def test_placebos_train(run, kind):
    row = run(arm="erase", placebo=kind, steps=1).rows[0]
    assert row["direction_rows"] > 0
    assert row["cos_out"] < 1e-5


def test_suites_that_cannot_be_trained_on_are_refused(run):
    class Untrainable(Letters):
        def training_items(self) -> list[Item]:
            return []

    class Talkative(Letters):
        def prompts(self, item: Item) -> list[Prompt]:
            return [Prompt(role=role, text="?") for role in ("say", "do")]

    with pytest.raises(UsageError, match="no items for training"):
        run(suite=Untrainable(Params()))
    with pytest.raises(UsageError, match="one prompt"):
        run(suite=Talkative(Params()))


def test_parameters_that_contradict_each_other_are_refused():
    with pytest.raises(ValueError, match='deploy = "kept" needs arm = "route"'):
        GrpoParams(deploy="kept")
    with pytest.raises(ValueError, match="preserve_magnitude"):
        GrpoParams(arm="route", preserve_magnitude=True)


def test_the_rate_warms_up_and_falls():
    rates = [learning_rate(GrpoParams(steps=20, lr=1.0), step) for step in range(20)]
    assert rates[:3] == [0.5, 1.0, 1.0]
    assert rates[2:] == sorted(rates[2:], reverse=True)
    assert 0 < rates[-1] < 0.05


def test_bfloat16_weights_are_trained_by_float32_coordinates(run):
    done = run(dtype="bfloat16", arm="route")
    assert all(row["grad_norm"] > 0 and row["loss"] == row["loss"] for row in done.rows if not row["skipped"])
    state = load_file(done.out / "adapter.safetensors")
    assert {tensor.dtype for name, tensor in state.items() if name.endswith(("main", "quarantine"))} == {torch.float32}
    assert any(tensor.any() for name, tensor in state.items() if name.endswith("quarantine"))
    done.weights()
    deployed = load_file(done.out / "deployed" / "model.safetensors")
    assert {weight.dtype for weight in deployed.values()} == {torch.bfloat16}


def test_weights_that_are_not_finite_are_refused(run, tiny_qwen2, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(tiny_qwen2, broken)
    weights = load_file(broken / "model.safetensors")
    weights["model.layers.1.mlp.up_proj.weight"][0, 0] = float("nan")
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match="is not finite"):
        run(source=broken)
    with pytest.raises(StageError, match="not finite"):
        run(source=broken, adapter="lora")


@pytest.mark.parametrize("steps", [1, 4])
def test_a_diverging_policy_is_an_error_not_a_model(run, steps):
    with pytest.raises(StageError, match="not finite"):
        run(lr=1e30, steps=steps)


def test_what_is_said_several_times_is_one_row_with_all_their_weight():
    item = Item(id="i", family="f", cluster="c")
    rows = [
        Rollout(item, Tokens([1], completion), reward, hack=False, solve=False)
        for completion, reward in (([5, 6], 1.0), ([7], 0.0), ([5, 6], 1.0))
    ]
    merged = merge_duplicates(rows, [0.5, -1.0, 0.5], [0.1, 0.2, 0.3])
    assert [weighted.row for weighted in merged] == rows[:2]
    assert [(w.advantage, w.weight, w.times) for w in merged] == [(0.5, pytest.approx(0.4), 2), (-1.0, 0.2, 1)]


def test_each_steps_items_are_dealt_over_the_families():
    items = Letters(Params()).training_items()
    for step in range(20):
        drawn = draw_items(items, 4, seed=1, step=step)
        assert sorted(item.family for item in drawn) == ["even", "even", "odd", "odd"]
        assert len({item.id for item in drawn}) == 4
        assert drawn == draw_items(items, 4, seed=1, step=step)
    assert len({draw_items(items, 1, seed=1, step=step)[0].id for step in range(40)}) == 6
    assert len(draw_items(items, 99, seed=1, step=0)) == 6


def test_what_a_training_asks_is_what_it_will_do():
    small = {"steps": 3, "prompts_per_step": 2, "group_size": 4, "mix": 0.25, "teacher_off_step": 2, "max_tokens": 9}
    found = Grpo(GrpoParams(**small)).work()
    assert (found.replies, found.learnt, found.compared) == (24 - 4, 24, 24)
    assert (found.at_once, found.max_tokens) == (8, 9)
    alone = Grpo(GrpoParams(**{**small, "mix": 0.0, "kl": 0.0, "micro_batch": 3})).work()
    assert (alone.replies, alone.at_once, alone.compared) == (24, 3, 0)
    taught = Grpo(GrpoParams(**{**small, "teacher_off_step": None})).work()
    assert taught.replies == 24 - 6


def test_a_scale_sets_what_is_not_given():
    full = GrpoParams(scale="full", steps=7)
    assert (full.steps, full.prompts_per_step, full.kl, full.betas) == (7, 43, 1e-3, (0.9, 0.99))
    assert GrpoParams.model_validate(full.model_dump(mode="json")) == full  # a stored plan is read back as it was
    assert GrpoParams(scale="pocket") == GrpoParams()
    with pytest.raises(ValueError, match="scale"):
        GrpoParams(scale="huge")
