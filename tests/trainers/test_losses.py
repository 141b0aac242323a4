"""The loss's parts against numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from harness_plugins.trainers.losses import (
    clipped,
    group_advantages,
    has_contrast,
    importance,
    k3,
    surrogate,
    token_weights,
)


def test_advantages_are_centred_and_not_scaled():
    torch.testing.assert_close(
        group_advantages(torch.tensor([1.25, 0.25, 0.0, 0.5])), torch.tensor([0.75, -0.25, -0.5, 0.0])
    )
    assert not has_contrast([0.25, 0.25, 0.25])
    assert has_contrast([0.0, 0.25])


LENGTHS = torch.tensor([1, 3, 4, 2])


@pytest.mark.parametrize(
    ("kind", "weights"),
    [
        ("dr_grpo", [1 / 60] * 4),  # 6 planned rows of 10 tokens
        ("grpo", [1 / 4, 1 / 12, 1 / 16, 1 / 8]),
        ("dapo", [1 / 10] * 4),
        ("bnpo", [1 / 8, 1 / 8, 1 / 12, 1 / 12]),  # two micro-batches of 4 and 6 tokens
    ],
)
def test_denominators(kind, weights):
    torch.testing.assert_close(token_weights(kind, LENGTHS, 6, 10, micro_batch=2), torch.tensor(weights))


def test_denominators_that_average_sum_to_one():
    for kind in ("grpo", "dapo", "bnpo"):
        weights = token_weights(kind, LENGTHS, 6, 10, micro_batch=3)
        assert float((weights * LENGTHS).sum()) == pytest.approx(1.0)
    assert torch.equal(token_weights("bnpo", LENGTHS, 6, 10, 4), token_weights("dapo", LENGTHS, 6, 10, 4))


def gradient(
    ratio: str, log_prob: float, advantage: float, clip: float | None = None, old: float = 0.0
) -> tuple[float, float]:
    """(loss, dL/dlogp) of one token."""
    x = torch.tensor([[log_prob]], requires_grad=True)
    loss = surrogate(importance(x, torch.tensor([[old]]), ratio, 0.1), torch.tensor([advantage]), clip).sum()
    loss.backward()
    return float(loss.detach()), float(x.grad)


def test_ratio_one_is_reinforce():
    assert gradient("one", -2.3, 0.75) == pytest.approx((-0.75, -0.75))
    assert gradient("one", -2.3, 0.75, clip=0.2) == pytest.approx((-0.75, -0.75))  # a clip is inert at 1


@pytest.mark.parametrize("advantage", [2.0, -2.0])
def test_clipped_tokens_are_those_that_the_loss_gives_no_gradient(advantage):
    factor = torch.tensor([[0.1, 0.79, 0.81, 1.0, 1.19, 1.21, 5.0]], requires_grad=True)
    surrogate(factor, torch.tensor([advantage]), 0.2).sum().backward()
    found = clipped(factor.detach(), torch.tensor([advantage]), 0.2)
    assert torch.equal(found, factor.grad == 0)
    assert 0 < int(found.sum()) < factor.numel()


def test_true_ratio_and_its_clip():
    ratio = math.exp(-1.0)
    assert gradient("true_clip", -1.0, 2.0, clip=0.2) == pytest.approx((-2 * ratio, -2 * ratio))  # A > 0: no clip below
    assert gradient("true_clip", -1.0, -2.0, clip=0.2) == pytest.approx((1.6, 0.0))  # A < 0: clipped at .8, no gradient
    assert gradient("true_clip", -1.0, 2.0, clip=0.2, old=-3.0) == pytest.approx((-2.4, 0.0))  # A > 0: clipped at 1.2


def test_pi_ratio_is_luffys_shaping():
    p = math.exp(-3.0)
    loss, slope = gradient("pi", -3.0, 1.0)
    assert loss == pytest.approx(-p / (p + 0.1))
    assert slope == pytest.approx(-0.1 * p / (p + 0.1) ** 2)


def test_k3_by_hand():
    policy = torch.tensor([[-1.0, -2.0]], requires_grad=True)
    kl = k3(policy, torch.tensor([[-1.0, -1.0]]))
    torch.testing.assert_close(kl.detach(), torch.tensor([[0.0, math.e - 2]]))
    kl.sum().backward()
    torch.testing.assert_close(policy.grad, torch.tensor([[0.0, 1 - math.e]]))


def test_k3_estimates_the_divergence():
    generator = torch.Generator().manual_seed(0)
    p, q = (torch.randn(6, generator=generator).log_softmax(0) for _ in range(2))
    drawn = torch.multinomial(p.exp(), 200_000, replacement=True, generator=generator)
    exact = (p.exp() * (p - q)).sum()
    assert float(k3(p[drawn], q[drawn]).mean()) == pytest.approx(float(exact), rel=0.03)
