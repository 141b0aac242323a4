"""Paired tests against statsmodels, by enumeration, and as properties."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_1samp
from statsmodels.stats.contingency_tables import mcnemar as oracle

from harness.stats import mcnemar, minimal_p, paired_difference, sign_flip, swap_test, t_test


@st.composite
def two_arms(draw, max_items=30):
    """(I,) numerators and denominators of two arms on the same items, and (I,) clusters."""
    items = draw(st.integers(2, max_items))
    conditional = draw(st.booleans())
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    den = rng.integers(0, 2, (2, items)) if conditional else np.ones((2, items), dtype=int)
    num = rng.integers(0, 2, (2, items)) * den
    groups = draw(st.integers(2, items))
    return *(column.astype(float) for column in (num[0], den[0], num[1], den[1])), np.arange(items) % groups


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_agrees_with_statsmodels(gained, lost):
    expected = oracle([[5, lost], [gained, 5]], exact=True).pvalue if gained + lost else 1.0
    assert mcnemar(gained, lost) == pytest.approx(min(1.0, expected))


@given(st.lists(st.sampled_from([-1.0, 0.0, 1.0]), min_size=1, max_size=14))
def test_sign_flip_of_single_items_is_exact_mcnemar(differences):
    gained, lost = differences.count(1.0), differences.count(-1.0)
    assert sign_flip(np.array(differences)).p == pytest.approx(mcnemar(gained, lost))


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=40))
def test_sign_flip_p_lies_between_its_least_value_and_one(differences):
    result = sign_flip(np.array(differences))
    assert result.units == len(differences)
    assert result.minimal == minimal_p(len(differences))
    assert result.minimal <= result.p <= 1


def test_seven_families_cannot_go_below_two_in_128():
    result = sign_flip(np.linspace(0.1, 0.7, 7))
    assert result.exact
    assert result.p == result.minimal == 2 / 128


def test_many_units_are_drawn_reproducibly():
    differences = np.random.default_rng(3).normal(0.3, 1.0, 40)
    first, second = sign_flip(differences), sign_flip(differences)
    assert not first.exact
    assert first.p == second.p
    assert first.p == pytest.approx(ttest_1samp(differences, 0).pvalue, abs=0.01)


def test_swap_test_by_brute_force():
    """A conditional rate over five clusters, every exchange enumerated the slow way."""
    rng = np.random.default_rng(5)
    base_den, other_den = rng.integers(2, 9, 5).astype(float), rng.integers(2, 9, 5).astype(float)
    base_num, other_num = np.floor(base_den * rng.random(5)), np.floor(other_den * rng.random(5))

    def gap(swapped):
        pick = np.array(swapped, dtype=bool)
        bn, bd = np.where(pick, other_num, base_num), np.where(pick, other_den, base_den)
        on, od = np.where(pick, base_num, other_num), np.where(pick, base_den, other_den)
        return abs(on.sum() / od.sum() - bn.sum() / bd.sum())

    gaps = [gap(swapped) for swapped in product((0, 1), repeat=5)]
    expected = np.mean([g >= gaps[0] - 1e-12 for g in gaps])
    assert swap_test(base_num, base_den, other_num, other_den).p == pytest.approx(expected)


def test_the_test_holds_its_level():
    """Clustered data without a difference: p <= .05 in at most 5 % of draws; items taken as independent exceed it."""
    rng = np.random.default_rng(7)
    draws, groups, size = 2000, 10, 8
    clustered = naive = 0
    for _ in range(draws):
        shift = rng.normal(0, 0.5, groups)[:, None]
        gaps = np.sign(rng.normal(shift, 1.0, (groups, size))) * (rng.random((groups, size)) < 0.5)
        clustered += sign_flip(gaps.sum(axis=1)).p <= 0.05
        naive += mcnemar(int((gaps > 0).sum()), int((gaps < 0).sum())) <= 0.05
    assert 0.02 < clustered / draws < 0.06  # below 5 %: sums of whole items tie
    assert naive / draws > 0.065


@given(two_arms())
def test_differences_are_antisymmetric(arms):
    base_num, base_den, other_num, other_den, clusters = arms
    forth = paired_difference(base_num, base_den, other_num, other_den, clusters)
    back = paired_difference(other_num, other_den, base_num, base_den, clusters)
    if forth is None:
        assert back is None
        return
    assert forth.delta == pytest.approx(-back.delta)
    assert (forth.interval is None) == (back.interval is None)
    if forth.interval is not None and back.base:
        assert forth.interval == pytest.approx((-back.interval.high, -back.interval.low), abs=1e-9)
    assert swap_test(base_num, base_den, other_num, other_den).p == pytest.approx(
        swap_test(other_num, other_den, base_num, base_den).p
    )


@given(two_arms())
def test_difference_intervals_hold_their_estimate(arms):
    result = paired_difference(*arms)
    if result is not None and result.interval is not None:
        assert -1 <= result.interval.low <= result.delta + 1e-9
        assert result.delta - 1e-9 <= result.interval.high <= 1


def test_nothing_moved_is_not_certainty():
    """No item of 50 changed: differences up to the upper bound of 0/50 remain possible."""
    ones = np.ones(50)
    result = paired_difference(ones * 0, ones, ones * 0, ones, np.arange(50))
    assert result.delta == 0
    assert result.interval == pytest.approx((-0.071, 0.071), abs=1e-3)


def test_a_paired_interval_is_that_of_the_mean_difference():
    rng = np.random.default_rng(11)
    base, other = rng.integers(0, 2, (2, 60)).astype(float)
    ones, gaps = np.ones(60), other - base
    result = paired_difference(base, ones, other, ones, np.arange(60))
    assert result.se == pytest.approx(gaps.std(ddof=1) / np.sqrt(60))


@given(two_arms())
def test_the_t_says_what_its_interval_says(arms):
    *columns, clusters = arms
    difference = paired_difference(*columns, clusters)
    p = difference and t_test(difference, int(clusters.max()) + 1)
    if p is None or difference.se < 1e-9:
        return
    low, high = difference.interval
    assert (p < 0.05) == (low > 0 or high < 0)


def test_what_rounding_leaves_of_no_difference_is_none():
    """Items of a cluster exchange their thirds, which do not add up to zero exactly: the t of such remainders is any number."""
    rng, seen = np.random.default_rng(0), set()
    for _ in range(200):
        base = rng.integers(0, 4, (4, 3)) / 3
        columns = (base.ravel(), np.ones(12), base[:, rng.permutation(3)].ravel(), np.ones(12))
        difference = paired_difference(*columns, np.repeat(np.arange(4), 3))
        seen.add(difference.se > 0)
        assert t_test(difference, 4) == 1
    assert seen == {True, False}
