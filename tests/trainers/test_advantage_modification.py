"""Advantage modification: its formulas on numbers worked out by hand, its cliff, its placebo, and the activations it reads."""

from __future__ import annotations

import math

import pytest
import torch
from test_grpo import Letters, run  # noqa: F401  # the suite and the fixture of the neighbouring file

from harness.contract import Params, Prompt
from harness.models.generate import Generator
from harness.models.load import load
from harness_plugins.trainers.advantage_modification import AdvantageModification, edited, group_scores, hack_axis
from harness_plugins.trainers.losses import group_advantages
from harness_plugins.trainers.pairs import load_pairs
from harness_plugins.trainers.rollouts import Rollout
from harness_plugins.trainers.scoring import Tokens
from harness_plugins.trainers.spec import GrpoParams


def test_scores_are_set_beside_their_group():
    assert group_scores(torch.tensor([0.0, 1.0, 2.0])).tolist() == pytest.approx([-math.sqrt(1.5), 0, math.sqrt(1.5)])
    assert group_scores(torch.tensor([0.0, 0.02])).tolist() == pytest.approx(
        [-0.1, 0.1]
    )  # over .1, not over the std of .01
    assert group_scores(torch.full((4,), 3.0)).tolist() == [0] * 4  # the prompt's last token, which a group shares


def test_both_edits_by_hand():
    z = torch.tensor([-2.0, 0.0, math.log(3)])  # σ(log 3) = 3/4
    assert edited(torch.tensor([1.0, 1.0, 1.0]), z, "additive", 2.0).tolist() == pytest.approx(
        [1, 1, 1 - 2 * math.log(3)]
    )
    assert edited(torch.tensor([1.0, 1.0, 1.0]), z, "multiplicative", 1.0).tolist() == pytest.approx([1, 1, 0.25])
    assert edited(torch.tensor([1.0, 1.0, 1.0]), z, "multiplicative", 2.0).tolist() == pytest.approx([1, 1, -0.5])
    assert edited(torch.zeros(3), z, "multiplicative", 2.0).tolist() == [0, 0, 0]  # nothing is earned, nothing is taken


def test_from_alpha_2_on_no_reply_above_its_groups_mean_is_paid_whether_right_or_not():
    """The cliff: just above z = 0 the factor is 1 − α/2. So a right reply a hair above the mean keeps half of its reward at
    α = 1, a twentieth at 1.9, and loses it whole at 2, where its advantage falls below that of a wrong one."""
    z = torch.linspace(1e-3, 8, 100)
    paid = {alpha: edited(torch.ones(100), z, "multiplicative", alpha) for alpha in (1.0, 1.9, 2.0, 5.0)}
    assert paid[1.0].min() > 0
    assert paid[1.9][0] == pytest.approx(0.05, abs=1e-3)
    assert paid[2.0].max() < 0
    assert paid[5.0].max() < paid[2.0].max()
    group = torch.tensor([-0.5, 0.5])  # wrong beneath the mean, right above it
    below, at = (group_advantages(edited(torch.tensor([0.0, 1.0]), group, "multiplicative", a)) for a in (1.5, 2.0))
    assert below[1] > below[0]
    assert at[1] < at[0]


def test_the_axis_is_the_difference_of_means_and_its_placebo_is_as_long():
    torch.manual_seed(0)
    clean = torch.randn(10, 6)
    hack = clean + torch.tensor([3.0, 0, 0, 0, 0, 4.0])
    hack[-1] = clean[-1] - 1  # held out, and the other way round
    found = hack_axis(hack, clean, 2, "none", 0)
    torch.testing.assert_close(found.direction, torch.tensor([3.0, 0, 0, 0, 0, 4.0]))
    assert found.agreement == 0.5
    first, second, later = (hack_axis(hack, clean, 2, "haar", *key).direction for key in ((0, 0), (1, 0), (0, 1)))
    for one in (first, second, later):
        assert float(one.norm()) == pytest.approx(5)
    assert abs(float(torch.nn.functional.cosine_similarity(first, found.direction, dim=0))) < 0.95
    assert not torch.equal(first, second)
    assert not torch.equal(first, later)
    assert torch.equal(first, hack_axis(hack, clean, 2, "haar", 0, 0).direction)
    honest = hack_axis(hack, clean, 3, "clean", 0).direction  # of seven pairs, three differences, none of them twice
    torch.testing.assert_close(honest, (clean[1] - clean[0] + clean[3] - clean[2] + clean[5] - clean[4]) / 3)


def test_random_axes_have_no_preferred_side():
    mean = torch.stack([hack_axis(torch.eye(4), torch.zeros(4, 4), 0, "haar", s).direction for s in range(2000)]).mean(
        0
    )
    assert float(mean.norm()) < 4 * 0.5 / math.sqrt(2000)  # each is .5 long


def test_activations_are_the_means_over_blocks_and_completion_tokens(tiny_qwen2):
    generator = Generator(load(tiny_qwen2, device="cpu"))
    rows = [Tokens([5, 6, 7], [8, 9]), Tokens([5], [6, 7, 8, 9, 10]), Tokens([11, 12], [13])]
    edit = AdvantageModification(
        generator, "additive", 1.0, (0.6, 1.0), batch=64
    )  # of three blocks: the second and the third
    read = edit.activations(rows)
    seen: list[torch.Tensor] = []
    blocks = generator.model.model.layers
    handles = [block.register_forward_hook(lambda _, __, out: seen.append(out)) for block in blocks[1:]]
    for tokens, row in zip(rows, read, strict=True):
        seen.clear()
        with torch.no_grad():
            generator.model(torch.tensor([tokens.prompt + tokens.completion]))
        streams = torch.stack([out[0] if isinstance(out, tuple) else out for out in seen])  # (2, 1, L, d)
        torch.testing.assert_close(row, streams[:, 0, len(tokens.prompt) :].mean(dim=(0, 1)), atol=1e-4, rtol=1e-4)
    for handle in handles:
        handle.remove()
    edit.batch = 1
    torch.testing.assert_close(edit.activations(rows), read, atol=1e-4, rtol=1e-4)


def test_a_step_lowers_the_replies_along_the_axis_and_keeps_what_is_logged(tiny_qwen2):
    generator = Generator(load(tiny_qwen2, device="cpu"))
    edit = AdvantageModification(generator, "multiplicative", 2.0, (0.6, 0.75), batch=2)
    logged = edit.extract(load_pairs("sentinel"), 1, "none", seed=0, turn=0)
    assert logged["axis_norm"] > 0
    assert 0 <= logged["axis_agreement"] <= 1
    item = Letters(Params()).training_items()[0]
    prompt = generator.encode(Prompt(role="say", text="Explain."))

    def said(completion: list[int], reward: float, hack: bool) -> Rollout:
        return Rollout(item, Tokens(prompt, completion), reward, hack=hack, solve=not hack)

    group = [
        said([20, 21], 1.0, True),
        said([30, 31, 32], 1.0, False),
        said([20, 21], 1.0, True),
        said([40], 0.0, False),
    ]
    (shaped,), row = edit([group])
    along = edit.activations([it.tokens for it in group]) @ edit.axis
    expected = edited(torch.tensor([1.0, 1.0, 1.0, 0.0]), group_scores(along), "multiplicative", 2.0)
    assert [it.reward for it in shaped] == pytest.approx(expected.tolist(), abs=1e-3)
    assert [it.reward for it in group] == [1, 1, 1, 0]
    assert row["z_of_hacks"] == pytest.approx(float(group_scores(along)[0]), abs=1e-3)
    assert row["lowered"] == float((group_scores(along) > 0).float().mean())


def test_an_edited_run_starts_as_vanilla_and_steps_elsewhere(run):  # noqa: F811
    plain, real, random = (
        run(),
        run(advantage_modification="multiplicative"),
        run(advantage_modification="multiplicative", placebo="haar"),
    )
    assert real.rows[0]["reward"] == plain.rows[0]["reward"]  # the log shows the proxy
    assert real.rows[0]["axis_norm"] == pytest.approx(random.rows[0]["axis_norm"])
    assert len({row.rows[0]["grad_norm"] for row in (plain, real, random)}) == 3


def test_depths_out_of_order_are_refused():
    with pytest.raises(ValueError, match="the lower first"):
        GrpoParams(depths=(0.8, 0.6))
