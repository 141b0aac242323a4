"""φ and its interval, against numpy's correlation, known cases and its own coverage."""

from __future__ import annotations

import numpy as np
import pytest

from harness.stats import phi, phi_interval


def drawn(seed: int, clusters: int, size: int, agreement: float) -> tuple[list[bool], list[bool], list[int]]:
    """Verdicts whose clusters lean one way together; the second repeats the first with probability `agreement`."""
    rng = np.random.default_rng(seed)
    lean = rng.beta(1, 1, clusters)
    first = [bool(rng.random() < lean[c]) for c in range(clusters) for _ in range(size)]
    second = [one if rng.random() < agreement else not one for one in first]
    return first, second, [c for c in range(clusters) for _ in range(size)]


def test_phi_is_the_correlation_of_zeros_and_ones() -> None:
    first, second, _ = drawn(1, 30, 4, 0.7)
    assert phi(first, second) == pytest.approx(np.corrcoef(first, second)[0, 1])


def test_a_verdict_that_is_the_same_everywhere_has_none() -> None:
    assert phi([True] * 8, [True, False] * 4) is None
    assert phi_interval([True] * 8, [True, False] * 4, list(range(8))) is None
    assert phi([], []) is None


def test_too_few_clusters_have_no_interval() -> None:
    first, second, clusters = drawn(1, 4, 10, 0.8)
    assert phi(first, second) is not None
    assert phi_interval(first, second, clusters) is None


def test_agreement_throughout_has_an_interval_that_is_not_empty() -> None:
    verdicts = [True, False] * 20
    clusters = [i // 4 for i in range(40)]
    same = phi_interval(verdicts, verdicts, clusters)
    opposite = phi_interval(verdicts, [not one for one in verdicts], clusters)
    assert same is not None
    assert opposite is not None
    assert 0 < same.low < 0.9 < same.high == 1
    assert (opposite.low, opposite.high) == (-same.high, -same.low)


def test_clusters_widen_it() -> None:
    clusters = drawn(3, 40, 5, 0.85)[2]
    together = phi_interval([c % 2 == 0 for c in clusters], [c % 3 == 0 for c in clusters], clusters)
    apart = phi_interval([c % 2 == 0 for c in clusters], [c % 3 == 0 for c in clusters], list(range(len(clusters))))
    assert together is not None
    assert apart is not None
    assert together.high - together.low > 1.5 * (apart.high - apart.low)


def test_it_covers_the_true_value_about_as_often_as_it_says() -> None:
    first, second, _ = drawn(0, 20_000, 4, 0.8)
    truth = phi(first, second)
    assert truth is not None
    found = [phi_interval(*drawn(seed, 40, 4, 0.8)) for seed in range(1, 121)]
    covered = sum(each is not None and each.low <= truth <= each.high for each in found)
    assert 106 <= covered <= 120  # 95 % of 120 is 114
