"""The sampler draws from the distribution it claims, and its noise belongs to the request alone."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats

from harness.models.sampling import CoupledSampler, Sampling, gumbel_noise, keep_top_p, splitmix64
from harness.planning.questions import request_key

LOGITS = torch.tensor([2.0, 1.5, 1.0, 0.3, 0.0, -0.5, -1.0, -3.0])  # (V,)
PROMPT_LENGTH = 5


def keys(count: int, seed: int = 0) -> list[int]:
    return [request_key(seed, "suite", f"item-{n}", "execution", 0) for n in range(count)]


def draw(count: int, sampling: Sampling, position: int = 0, logits: torch.Tensor = LOGITS) -> torch.Tensor:
    """One token (count,) for each of `count` requests that all see the same logits."""
    sampler = CoupledSampler(keys(count), sampling, PROMPT_LENGTH)
    so_far = torch.zeros(count, PROMPT_LENGTH + position, dtype=torch.int64)
    return sampler(so_far, logits.expand(count, -1)).argmax(dim=-1)


@pytest.mark.parametrize("temperature", [0.3, 1.0, 1.7])
def test_draws_follow_the_softmax(temperature: float) -> None:
    count = 40_000
    observed = draw(count, Sampling(temperature=temperature)).bincount(minlength=len(LOGITS))
    expected = count * (LOGITS.double() / temperature).softmax(dim=0)
    last = int((expected > 5).sum()) - 1  # LOGITS are sorted: the rare tokens behind this one are counted with it
    observed_cells = [*observed[:last].tolist(), observed[last:].sum().item()]
    expected_cells = [*expected[:last].tolist(), expected[last:].sum().item()]
    assert stats.chisquare(observed_cells, expected_cells).pvalue > 0.001


@pytest.mark.parametrize("top_p", [0.5, 0.8, 0.95])
def test_draws_follow_the_renormalised_softmax_of_the_top_p_set(top_p: float) -> None:
    count = 40_000
    probabilities = LOGITS.double().softmax(dim=0)  # LOGITS are sorted, so the set is a prefix
    size = int((probabilities.cumsum(dim=0) < top_p).sum()) + 1
    observed = draw(count, Sampling(temperature=1.0, top_p=top_p)).bincount(minlength=len(LOGITS))
    assert observed[size:].sum() == 0
    expected = probabilities[:size] / probabilities[:size].sum() * count
    assert stats.chisquare(observed[:size].numpy(), expected.numpy()).pvalue > 0.001


def test_rare_tokens_are_drawn_as_often_as_they_should() -> None:
    probability, count = 1e-5, 3_000_000
    noise = gumbel_noise(splitmix64(torch.arange(count)), position=0, vocabulary=2)  # (count, 2)
    logits = torch.tensor([1 - probability, probability], dtype=torch.float64).log().float()
    hits = int((logits + noise).argmax(dim=-1).sum())
    assert stats.poisson.cdf(hits, probability * count) > 0.001
    assert stats.poisson.sf(hits - 1, probability * count) > 0.001


def test_noise_is_standard_gumbel_and_finite() -> None:
    noise = gumbel_noise(torch.tensor(keys(500)), position=3, vocabulary=400)
    assert noise.isfinite().all()
    assert stats.kstest(noise.flatten().numpy(), "gumbel_r").pvalue > 0.001


def test_noise_of_neighbouring_keys_positions_and_tokens_is_uncorrelated() -> None:
    near_keys = torch.arange(1000)  # keys that differ in few bits
    first, second = gumbel_noise(near_keys, 0, 300), gumbel_noise(near_keys, 1, 300)
    bound = 4 / np.sqrt(first.numel())  # four standard errors of a correlation of independent numbers

    def correlation(a: torch.Tensor, b: torch.Tensor) -> float:
        return abs(np.corrcoef(a.flatten(), b.flatten())[0, 1])

    assert correlation(first, second) < bound
    assert correlation(first[1:], first[:-1]) < bound
    assert correlation(first[:, 1:], first[:, :-1]) < bound
    assert correlation(first[:, 1:], second[:, :-1]) < bound


def test_successive_tokens_of_a_reply_are_independent() -> None:
    count, sampling = 20_000, Sampling(temperature=1.0)
    first, second = draw(count, sampling, position=0), draw(count, sampling, position=1)
    table = np.histogram2d(first.numpy(), second.numpy(), bins=[4, 4], range=[[0, 4], [0, 4]])[0]  # the likely half
    assert stats.chi2_contingency(table).pvalue > 0.001


def test_repeats_roles_items_suites_and_seeds_have_keys_of_their_own() -> None:
    variants = [
        request_key(seed, suite, item, role, repeat)
        for seed in (1, 2)
        for suite in ("a", "ab")
        for item in ("b", "")
        for role in ("u", "e")
        for repeat in (0, 1)
    ]
    assert len(set(variants)) == len(variants)
    assert request_key(1, "ab", "c", "u", 0) != request_key(1, "a", "bc", "u", 0)


def test_a_row_draws_the_same_whatever_stands_beside_it() -> None:
    sampling = Sampling(temperature=1.0, top_p=0.9)
    logits = torch.randn(16, 50, generator=torch.Generator().manual_seed(0))
    together = CoupledSampler(keys(16), sampling, 3)(torch.zeros(16, 7), logits).argmax(dim=-1)
    order = [5, 0, 11]
    apart = CoupledSampler([keys(16)[row] for row in order], sampling, 9)(torch.zeros(3, 13), logits[order])
    assert apart.argmax(dim=-1).tolist() == together[order].tolist()


PROGRAM = """
import torch
from harness.models.sampling import gumbel_noise
from harness.planning.questions import request_key
key = request_key(42, "goodhart7", "discount_coupon-0", "execution", 1)
print(key, gumbel_noise(torch.tensor([key]), position=2, vocabulary=4)[0].tolist())
"""


def test_noise_is_the_same_in_every_process_and_follows_its_definition() -> None:
    """Stored replies stay reproducible: the key may only change with a note in the changelog."""
    key = request_key(42, "goodhart7", "discount_coupon-0", "execution", 1)
    assert key == -2061096414868120806
    noise = gumbel_noise(torch.tensor([key]), position=2, vocabulary=4)[0].tolist()
    assert noise == pytest.approx([reference_noise(key, position=2, token=token) for token in range(4)], abs=1e-5)
    output = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=120
    ).stdout
    assert output.strip() == f"{key} {noise}"


def reference_noise(key: int, position: int, token: int) -> float:
    stream = reference_splitmix64(key ^ reference_splitmix64(position))
    uniform = ((reference_splitmix64(stream + (token + 1) * 0x9E3779B97F4A7C15) >> 11) + 0.5) / 2**53
    return -math.log(-math.log1p(-uniform))


def reference_splitmix64(state: int) -> int:
    z = (state + 0x9E3779B97F4A7C15) % 2**64
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
    return z ^ (z >> 31)


def test_splitmix64_agrees_with_its_published_definition() -> None:
    states = [0, 1, 2, 1234567, 2**63 - 1, 2**63, 2**64 - 1]
    signed = torch.tensor([state - 2**64 if state >= 2**63 else state for state in states])
    assert [value % 2**64 for value in splitmix64(signed).tolist()] == [reference_splitmix64(state) for state in states]
    assert reference_splitmix64(0) == 0xE220A8397B1DCDAF  # first output of the generator seeded with 0


@given(
    logits=st.lists(st.floats(-8, 8, width=32), min_size=1, max_size=12),
    top_p=st.floats(0.01, 1.0, exclude_max=True),
)
def test_the_top_p_set_is_the_smallest_that_holds_the_mass(logits: list[float], top_p: float) -> None:
    scores = torch.tensor([logits])
    kept = keep_top_p(scores, top_p)[0].isfinite()
    probabilities = scores[0].double().softmax(dim=0)
    mass = probabilities[kept].sum().item()
    assert kept.any()
    assert mass >= top_p - 1e-5
    assert scores[0][kept].min() >= scores[0][~kept].max() if (~kept).any() else True
    least = scores[0] == scores[0][kept].min()  # tokens that tie count as one
    assert mass - probabilities[least].sum().item() < top_p + 1e-5


def test_top_p_of_one_keeps_every_token_and_tiny_top_p_is_greedy() -> None:
    assert draw(200, Sampling(temperature=50.0)).unique().numel() == len(LOGITS)
    assert draw(200, Sampling(temperature=50.0, top_p=1e-6)).tolist() == [0] * 200


@pytest.mark.parametrize(
    "wrong", [{"temperature": -0.1}, {"temperature": float("inf")}, {"top_p": 0.0}, {"top_p": 1.1}, {"top_k": 5}]
)
def test_meaningless_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Sampling.model_validate(wrong)
    with pytest.raises(ValueError, match="greedy"):
        CoupledSampler(keys(1), Sampling(temperature=0.0), 1)
