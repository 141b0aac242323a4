"""Quantiles of what clusters hold together."""

from __future__ import annotations

import numpy as np
import pytest

from harness.stats import Pooled, pooled


def test_the_mean_and_quantiles_are_those_of_all_values_as_llama_cpp_has_them() -> None:
    mean, (half, most, last) = pooled([[4.0, 1.0], [3.0], [2.0, 10.0]], (0.5, 0.9, 1.0))
    assert (mean.value, half.value, last.value) == (4.0, 3.0, 10.0)
    assert most.value == pytest.approx(4.0 + 0.6 * 6.0)  # place .9 (5 - 1) = 3.6 of 1 2 3 4 10
    assert all(one.interval and one.interval.low <= one.value <= one.interval.high for one in (mean, half, most, last))


def test_one_cluster_has_no_interval() -> None:
    assert pooled([[1.0, 3.0]], (0.5,)) == (Pooled(2.0, None), [Pooled(2.0, None)])


def test_intervals_hold_what_they_promise_though_tokens_of_a_text_are_alike() -> None:
    """Lognormal values with a factor of their own in each cluster: of 200 draws, the share whose interval holds the truth."""
    rng = np.random.default_rng(7)
    many = np.exp(rng.normal(size=400_000) * 0.5 + rng.normal(size=400_000))
    truth = float(np.median(many))
    clustered, apart = 0, 0
    for _ in range(200):
        draws = [np.exp(rng.normal() * 0.5 + rng.normal(size=30)).tolist() for _ in range(40)]
        interval = pooled(draws, (0.5,))[1][0].interval
        assert interval
        clustered += interval.low <= truth <= interval.high
        interval = pooled([[value] for one in draws for value in one], (0.5,))[1][0].interval
        assert interval
        apart += interval.low <= truth <= interval.high
    assert clustered >= 0.9 * 200
    assert apart < 0.8 * 200  # as if every token were a text of its own
