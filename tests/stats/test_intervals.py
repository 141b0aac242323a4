"""Intervals against statsmodels, as properties, and by their coverage."""

from __future__ import annotations

from math import comb, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.proportion import proportion_confint

from harness.stats import cluster_t, rate_interval, wilson


@st.composite
def clustered_counts(draw):
    """(I,) numerators and denominators of repeated binary items, (I,) clusters."""
    items = draw(st.integers(2, 40))
    repeats = draw(st.integers(1, 5))
    conditional = draw(st.booleans())
    den = np.array([draw(st.integers(0, repeats)) if conditional else repeats for _ in range(items)])
    num = np.array([draw(st.integers(0, int(d))) for d in den])
    groups = draw(st.integers(1, items))
    return num / repeats, den / repeats, np.arange(items) % groups


@given(st.integers(1, 2000), st.data())
def test_wilson_agrees_with_statsmodels(n, data):
    k = data.draw(st.integers(0, n))
    assert wilson(k, n) == pytest.approx(proportion_confint(k, n, method="wilson"), abs=1e-12)


@given(st.integers(1, 500), st.data())
def test_wilson_lies_in_the_unit_interval_around_its_estimate(n, data):
    k = data.draw(st.integers(0, n))
    low, high = wilson(k, n)
    assert 0 <= low <= k / n <= high <= 1
    assert low < high


@pytest.mark.parametrize(("n", "upper"), [(50, 0.071), (100, 0.037), (200, 0.019), (500, 0.0076)])
def test_none_found_is_not_none_existing(n, upper):
    assert wilson(0, n).high == pytest.approx(upper, abs=5e-4)


def test_impossible_counts_are_refused():
    for k, n in ((1, 0), (3, 2), (-1, 5)):
        with pytest.raises(ValueError, match="0 <= k <= n"):
            wilson(k, n)


@given(clustered_counts())
def test_rate_interval_lies_in_the_unit_interval_around_its_estimate(table):
    num, den, clusters = table
    interval = rate_interval(num, den, clusters)
    if den.sum() == 0:
        assert interval is None
        return
    whole = np.all(num == np.round(num)) and np.all(den == np.round(den))
    if interval is None:
        assert clusters.max() == 0
        assert not (len(clusters) == 1 and whole)
        return
    estimate = num.sum() / den.sum()
    assert 0 <= interval.low <= estimate + 1e-9
    assert estimate - 1e-9 <= interval.high <= 1
    assert interval.low < interval.high


def test_items_of_their_own_get_the_plain_wilson_interval():
    num = np.array([1, 0, 1, 1, 0, 1, 1, 1, 0, 1], dtype=float)
    assert rate_interval(num, np.ones(10), np.arange(10)) == pytest.approx(wilson(7, 10))


def test_cluster_t_is_the_cluster_robust_interval_of_a_mean():
    rng = np.random.default_rng(0)
    clusters = np.repeat(np.arange(8), 5)
    values = rng.normal(size=40) + rng.normal(size=8)[clusters]
    fit = OLS(values, np.ones(40)).fit(
        cov_type="cluster", cov_kwds={"groups": clusters, "use_correction": False}, use_t=True
    )
    low, high = cluster_t(values, np.ones(40), clusters)
    expected = fit.conf_int()[0] - values.mean()
    assert np.array([low, high]) - values.mean() == pytest.approx(expected * sqrt(8 / 7), rel=1e-9)


def test_one_cluster_shows_no_spread():
    assert cluster_t(np.ones(3), np.ones(3), np.zeros(3, dtype=int)) is None


# ------------------------------------------------------------------------------------------------------------ coverage


def coverage(interval, n: int, p: float) -> float:
    """Exact chance that the interval of a binomial count contains p."""
    inside = 0.0
    for k in range(n + 1):
        low, high = interval(k, n)
        if low <= p <= high:
            inside += comb(n, k) * p**k * (1 - p) ** (n - k)
    return inside


def wald(k: int, n: int) -> tuple[float, float]:
    half = 1.959964 * sqrt(k / n * (1 - k / n) / n)
    return k / n - half, k / n + half


@pytest.mark.parametrize(
    ("n", "p", "of_wald", "of_wilson"), [(50, 0.04, 0.867, 0.951), (100, 0.02, 0.866, 0.949), (200, 0.05, 0.926, 0.967)]
)
def test_why_wilson_and_not_wald(n, p, of_wald, of_wilson):
    assert coverage(wald, n, p) == pytest.approx(of_wald, abs=1e-3)
    assert coverage(wilson, n, p) == pytest.approx(of_wilson, abs=1e-3)


@pytest.mark.parametrize(
    ("groups", "size", "p", "of_naive"), [(20, 10, 0.6, 0.80), (7, 10, 0.7, 0.80), (3, 4, 0.7, 0.92), (2, 5, 0.7, 0.85)]
)
def test_why_rates_are_clustered(groups, size, p, of_naive):
    """Items of one wording hang together (intra-class correlation .2): taken as independent they cover far less than 95 %."""
    rng, draws, icc = np.random.default_rng(1), 1500, 0.2
    clusters = np.repeat(np.arange(groups), size)
    scale = 1 / icc - 1
    naive = clustered = 0
    for _ in range(draws):
        items = (rng.random(groups * size) < rng.beta(p * scale, (1 - p) * scale, groups)[clusters]).astype(float)
        low, high = wilson(items.sum(), groups * size)
        naive += low <= p <= high
        low, high = rate_interval(items, np.ones(groups * size), clusters)
        clustered += low <= p <= high
    assert naive / draws < of_naive
    assert clustered / draws > 0.935
