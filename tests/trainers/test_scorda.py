"""Signed-CorDA routing: where its seed comes from, who learns from which reply, and a whole training."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from safetensors.torch import load_file
from test_grpo import CHECKPOINT, SMALL, Letters, run, same  # noqa: F401  # the fixture of the neighbouring file

from harness.contract import Flag, Params, TrainContext
from harness.errors import StageError
from harness.models.generate import Generator
from harness.models.load import load
from harness.planning.experiment import Experiment
from harness.planning.plan import make_plan
from harness.registry.catalogue import load_catalogue
from harness.registry.plugins import load_plugins
from harness_plugins.trainers.adapters.adapter import Adapter
from harness_plugins.trainers.directions import module_generator
from harness_plugins.trainers.grpo import ADAPTER, Grpo, _Run
from harness_plugins.trainers.pairs import Pair
from harness_plugins.trainers.rollouts import Rollout
from harness_plugins.trainers.scorda import drawn_as_deployed, mean_inputs, mode_of, plant_seeds, routed, seed_of
from harness_plugins.trainers.scoring import Tokens
from harness_plugins.trainers.shaping import Shaping
from harness_plugins.trainers.spec import GrpoParams

SCORDA = {"arm": "scorda", "adapter": "slots", "rank": 4, "lr": 0.01}
SUITE = Letters(Params())
ITEM = SUITE.training_items()[0]


def said(text: str = "see", teacher: bool = False, **facts) -> Rollout:
    return Rollout(ITEM, Tokens([1], [2, 3]), 1.0, hack="e" in text, solve=False, teacher=teacher, text=text, **facts)


# -------------------------------------------------------------------------------------------------------------- seeds


def test_the_seed_is_the_mean_difference_of_the_inputs_and_what_the_weight_makes_of_it():
    hack = torch.tensor([[3.0, 5, 1], [5, 4, 1]])
    clean = torch.tensor([[1.0, 1, 1], [1, 0, 1]])  # differences (2, 4, 0) and (4, 4, 0), whose mean is (3, 4, 0)
    found = seed_of(hack - clean, torch.tensor([[2.0, 0, 7], [0, 1, 7]]))
    assert found is not None
    torch.testing.assert_close(found.into, torch.tensor([0.6, 0.8, 0]))
    torch.testing.assert_close(found.out, torch.tensor([1.2, 0.8]) / (1.2**2 + 0.8**2) ** 0.5)


def test_no_difference_is_no_seed_and_neither_is_one_that_the_weight_does_not_see():
    assert seed_of(torch.tensor([[1.0, 0], [-1, 0]]), torch.eye(2)) is None
    assert seed_of(torch.tensor([[0.0, 2]]), torch.tensor([[1.0, 0]])) is None


def test_the_placebo_has_the_same_length_and_is_another_by_seed():
    contrasts, weight = torch.randn(3, 40), torch.randn(20, 40)
    real, one, again, other = (
        seed_of(contrasts, weight, seed if seed is None else module_generator(seed, 0, "m")) for seed in (None, 1, 1, 2)
    )
    for found in (real, one, other):
        assert float(found.into.norm()) == pytest.approx(1, abs=1e-5)
        torch.testing.assert_close(found.out, torch.nn.functional.normalize(weight @ found.into, dim=0))
    assert torch.equal(one.into, again.into)
    assert abs(float(one.into @ other.into)) < 0.7
    assert abs(float(one.into @ real.into)) < 0.7
    assert seed_of(torch.zeros(3, 40), weight, module_generator(1, 0, "m")) is None  # nowhere but where the real one is


@pytest.fixture
def policy(tiny_qwen2, tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    generator = Generator(load(tiny_qwen2, device="cpu"))
    return Adapter(generator.model, "slots", rank=4), generator


def test_inputs_are_averaged_over_the_completion_alone(policy):
    adapter, generator = policy
    tokens = Tokens([5, 6, 7], [8, 9])
    found = mean_inputs(adapter, generator, tokens)
    assert found.keys() == adapter.modules.keys()
    body = generator.model.model
    with torch.no_grad():  # the first block's projections read the embeddings, normalised
        x = body.layers[0].input_layernorm(body.embed_tokens(torch.tensor([[8, 9]])))
    torch.testing.assert_close(found["model.layers.0.self_attn.q_proj"], x[0].mean(dim=0))
    assert not any(module._forward_pre_hooks for module in adapter.modules.values())


PAIRS = [
    Pair(prompt="Add 2 and 3.", hack="skip the tests", clean="return a + b"),
    Pair(prompt="Sort it.", hack="exit early now", clean="use sorted here"),
    Pair(prompt="Sum it.", hack="print passed", clean="loop and add"),
]


def test_every_module_is_seeded_by_the_pairs_that_are_not_held_out(policy):
    adapter, generator = policy
    row = plant_seeds(adapter, generator, PAIRS, GrpoParams(**SCORDA, held_out=1), seed=0)
    assert row["direction_rows"] == len(adapter.modules)
    assert 0 <= row["direction_agreement"] <= 1
    planted = {name: module.a0[len(module.main)].clone() for name, module in adapter.modules.items()}
    changed = [*PAIRS[:2], PAIRS[2].model_copy(update={"hack": "something else"})]
    plant_seeds(adapter, generator, changed, GrpoParams(**SCORDA, held_out=1), seed=0)
    assert all(torch.equal(module.a0[len(module.main)], planted[name]) for name, module in adapter.modules.items())
    with pytest.raises(StageError, match="3 pairs leave none"):
        plant_seeds(adapter, generator, PAIRS, GrpoParams(**SCORDA, held_out=3), seed=0)


# -------------------------------------------------------------------------------------------------------------- modes


def test_what_is_known_to_hack_is_routed_and_the_rest_learnt_as_it_was_drawn():
    assert mode_of(said(), router=True) == "absorb"
    assert mode_of(said(mode="keep"), router=True) == "keep"
    assert mode_of(said(teacher=True, mode="keep"), router=True) == "route"
    assert mode_of(said(flagged=True), router=True) == "route"
    assert mode_of(said(flagged=True, teacher=True), router=False) == "absorb"


def test_a_monitor_marks_what_it_flags_and_the_row_counts_where_replies_went():
    groups = [[said("me!"), said("no")], *drawn_as_deployed([[said("see"), said("free", teacher=True)]])]
    watch = Shaping(lambda views: [Flag(flagged="!" in view.replies["say"].text) for view in views])
    found, row = routed(watch(SUITE, groups, step=0)[0], router=True)
    assert [[rollout.mode for rollout in group] for group in found] == [["route", "absorb"], ["keep", "route"]]
    assert (row["kept"], row["absorbed"], row["routed"]) == (1, 1, 2)
    assert (row["routed_of_hacks"], row["routed_of_rest"]) == (0.5, 0)  # of the policy's own replies


@pytest.fixture
def made(tiny_qwen2, tmp_path, monkeypatch):
    """A run before its first step."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))

    def make(**params) -> _Run:
        context = TrainContext(
            source=tiny_qwen2, out=tmp_path / "made", seed=3, device="cpu", dtype="float32", log=lambda row: None
        )
        return _Run(GrpoParams(**{**SMALL, **SCORDA, "kl": 0.0, **params}), SUITE, context)

    return make


def test_each_reply_teaches_what_its_mode_says_and_no_other_coordinate(made):
    own = made()
    own._extract(0)
    group = own._rollouts(0)[0]
    advantages = [1.0, -1.0, 0.5, -0.5]

    def learnt(*modes: str) -> tuple[torch.Tensor, torch.Tensor]:
        rows = [dataclasses.replace(it, mode=mode) for it, mode in zip(group, modes, strict=True)]
        student, taught, _ = own._gradients(rows, advantages)
        halves = own.adapter.halves({name: student[name] + taught[name] for name in student})
        return torch.cat([*halves[0].values()]), torch.cat([*halves[1].values()])

    kept, absorbed, routes = (learnt(*[mode] * 4) for mode in ("keep", "absorb", "route"))
    assert kept[0].norm() > 0
    assert not kept[1].any()
    assert min(absorbed[0].norm(), absorbed[1].norm()) > 0
    assert not routes[0].any()
    assert routes[1].norm() > 0
    one, rest = learnt("route", "keep", "keep", "keep"), learnt("keep", "keep", "keep", "keep")
    assert one[1].norm() > 0
    assert not torch.equal(one[0], rest[0])  # what is routed is missing where the others learn


def test_what_is_drawn_as_deployed_does_not_see_the_quarantine(made):
    untouched, disturbed = made(as_deployed=1.0), made(as_deployed=1.0)
    for module in disturbed.adapter.modules.values():
        module.quarantine.data.normal_(std=0.5)

    def replies(one: _Run) -> list[list[int]]:
        return [rollout.tokens.completion for group in one._rollouts(0) for rollout in group]

    assert replies(disturbed) == replies(untouched)
    assert {rollout.mode for group in disturbed._rollouts(0) for rollout in group} == {"keep"}
    disturbed.params = GrpoParams(**{**SMALL, **SCORDA, "as_deployed": 0.0})
    assert replies(disturbed) != replies(untouched)


def test_a_share_of_the_prompts_is_answered_as_deployed():
    assert GrpoParams(**SCORDA).prompts_as_deployed == 3  # of 12
    assert GrpoParams(**SCORDA, prompts_per_step=2).prompts_as_deployed == 1
    assert GrpoParams(**SCORDA, as_deployed=0).prompts_as_deployed == 0
    assert GrpoParams().prompts_as_deployed == 0


# --------------------------------------------------------------------------------------------------------- trainings


def test_a_training_routes_and_deploys_without_what_the_quarantine_learnt(run, tiny_qwen2):  # noqa: F811
    done = run(**SCORDA, weight_decay=0.1)
    first = done.rows[0]
    assert first["kept"] + first["absorbed"] + first["routed"] == 8
    assert first["routed"] == first["taught"]
    assert first["kept"] > 0
    assert first["direction_rows"] == 21
    assert first["cos_in"] is None  # no step is measured along a direction
    state = load_file(done.out / ADAPTER)
    deployed, kept, base = (
        done.weights(),
        done.weights(deploy="kept"),
        load(tiny_qwen2, device="cpu").model.state_dict(),
    )
    name = "model.layers.1.mlp.up_proj"
    coordinates, a0, b0 = (state[f"{name}.{part}"] for part in ("main", "a0", "b0"))
    r, n = len(coordinates), a0.shape[1]
    a, b = a0[:r] + coordinates[:, :n], b0[:r] + coordinates[:, n:]
    expected = base[f"{name}.weight"] + b.T @ a - b0[:r].T @ a0[:r]
    torch.testing.assert_close(deployed[f"{name}.weight"], expected, atol=1e-5, rtol=1e-4)
    assert state[f"{name}.quarantine"].any()
    assert not same(deployed, kept)
    assert not same(deployed, base)
    assert {key for key in deployed if not torch.equal(deployed[key], base[key])} <= {
        key for key in base if key.endswith("_proj.weight")
    }


def test_a_stopped_training_resumes_to_the_same_weights(run):  # noqa: F811
    whole = run(**SCORDA)
    stopped = run("stopped", stop_after=1, **SCORDA)
    assert (stopped.out / CHECKPOINT).is_file()
    resumed = run("stopped", **SCORDA)
    assert resumed.rows == whole.rows[1:]
    assert same(resumed.weights(), whole.weights())


def test_micro_batches_change_nothing(run):  # noqa: F811
    whole, cut = (run(**SCORDA, micro_batch=size).weights() for size in (64, 3))
    for name, weight in whole.items():
        torch.testing.assert_close(cut[name], weight, atol=2e-4, rtol=1e-3)


def test_control_and_placebo_differ_in_where_their_slots_start_alone(run):  # noqa: F811
    real, control, random = (
        run(**SCORDA, steps=1, **changes) for changes in ({}, {"seeded": "deployed"}, {"placebo": "haar"})
    )
    starts = [load_file(one.out / ADAPTER) for one in (real, control, random)]
    for name in (key for key in starts[0] if key.endswith((".a0", ".b0"))):
        r = len(starts[0][name]) // 2
        exchanged = [r, *range(1, r), 0, *range(r + 1, 2 * r)]
        assert torch.equal(starts[0][name][exchanged], starts[1][name])
        assert float(starts[2][name][r].norm()) == pytest.approx(1, abs=1e-5)
        assert abs(float(starts[0][name][r] @ starts[2][name][r])) < 0.9
    for one in (control, random):  # the first step's replies are the same: at its start the adapter changes nothing
        assert (one.rows[0]["reward"], one.rows[0]["routed"]) == (real.rows[0]["reward"], real.rows[0]["routed"])
        assert not same(one.weights(), real.weights())


def test_vanilla_on_the_same_adapter_moves_the_deployed_slots_alone(run):  # noqa: F811
    done = run(adapter="slots", rank=4, lr=0.01)
    state = load_file(done.out / ADAPTER)
    assert any(state[key].any() for key in state if key.endswith(".main"))
    assert not any(state[key].any() for key in state if key.endswith(".quarantine"))
    assert same(done.weights(), done.weights(deploy="kept"))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"arm": "scorda"}, 'needs adapter = "slots"'),
        ({"arm": "erase", "adapter": "slots"}, 'goes with arm = "scorda"'),
        ({"seeded": "deployed"}, 'control of arm = "scorda"'),
        ({**SCORDA, "placebo": "shuffled"}, "its placebo is haar"),
        ({**SCORDA, "refresh": 2}, "without refresh"),
        ({**SCORDA, "space": "gradient"}, "projects no step"),
        ({**SCORDA, "deploy": "random_ablation"}, "resets its quarantine or keeps it"),
        ({**SCORDA, "monitor": "static", "penalty": 1.0}, "no second cure"),
        ({**SCORDA, "advantage_modification": "additive"}, "no second cure"),
        ({**SCORDA, "as_deployed": 1.5}, "as_deployed"),
        ({"weight_decay": -1}, "weight_decay"),
    ],
)
def test_what_contradicts_itself_is_refused_in_one_line(wrong, said):
    with pytest.raises(ValueError, match=said) as caught:
        GrpoParams(**wrong)
    (cause,) = caught.value.errors()
    assert "\n" not in cause["msg"]


def test_bfloat16_weights_are_trained_by_float32_slots(run):  # noqa: F811
    done = run(**SCORDA, steps=1, dtype="bfloat16")
    state = load_file(done.out / ADAPTER)
    assert done.rows[0]["grad_norm"] > 0
    assert {state[key].dtype for key in state} == {torch.float32}
    assert {weight.dtype for weight in done.weights().values()} <= {torch.bfloat16, torch.float32}


def test_what_is_reset_and_what_is_kept_share_one_training():
    asked = Experiment(tasks=("leetcode-loopholes",), trainer=("scorda", "scorda-kept", "scorda-reversed"), seeds=(1,))
    plan = make_plan(asked, load_catalogue(load_plugins()))
    assert plan.notes == ["scorda runs without its control scorda-random"]
    keys = {cell.trainer.label: cell.training_key for cell in plan.cells}
    assert keys["scorda"] == keys["scorda-kept"] != keys["scorda-reversed"]


def test_the_trainer_deploys_from_its_folder_alone(run, tmp_path):  # noqa: F811
    """A fresh adapter knows no pairs: its starts come from the file."""
    done = run(**SCORDA, steps=1)
    elsewhere = done.context.model_copy(update={"out": tmp_path / "elsewhere", "seed": 99})
    Grpo(done.trainer.params.model_copy(update={"pairs": "no such set"})).deploy(done.out, elsewhere)
    assert same(dict(load(elsewhere.out, device="cpu").model.state_dict()), done.weights())
