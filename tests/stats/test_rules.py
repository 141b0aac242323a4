"""Multiplicity, power, chance, missing samples, and the rule behind "no inference"."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import NormalIndPower, TTestPower

from harness.planning.power import pairs_needed
from harness.stats import (
    auroc,
    benjamini_hochberg,
    bounds,
    carries_inference,
    holm,
    independence,
    mde_paired,
    mde_unpaired,
    minimal_p,
)
from harness.stats.power import mde_from_se

p_values = st.lists(st.floats(0, 1), min_size=1, max_size=25)


@settings(max_examples=15)  # the oracle collects garbage on every call
@given(p_values)
def test_holm_agrees_with_statsmodels(ps):
    assert holm(ps) == pytest.approx(list(multipletests(ps, method="holm")[1]))


@given(p_values)
def test_benjamini_hochberg_agrees_with_statsmodels(ps):
    assert benjamini_hochberg(ps) == pytest.approx(list(multipletests(ps, method="fdr_bh")[1]))


def test_an_empty_family_needs_no_adjustment():
    assert holm([]) == benjamini_hochberg([]) == []


@pytest.mark.parametrize(
    ("n", "at_10", "at_20"), [(100, 0.088, 0.124), (200, 0.062, 0.088), (500, 0.040, 0.056), (1000, 0.028, 0.040)]
)
def test_least_paired_difference(n, at_10, at_20):
    assert mde_paired(n, 0.1) == pytest.approx(at_10, abs=6e-4)
    assert mde_paired(n, 0.2) == pytest.approx(at_20, abs=6e-4)


def test_seven_items_find_nothing():
    assert mde_paired(7, 0.1) is None
    assert mde_paired(7, 0.2) is None


def test_least_paired_difference_by_simulation():
    """The exact test finds the stated difference in about 80 % of draws (it is somewhat conservative)."""
    from harness.stats import mcnemar

    rng, n, discordance = np.random.default_rng(2), 200, 0.2
    delta = mde_paired(n, discordance)
    gain, lose = (discordance + delta) / 2, (discordance - delta) / 2
    draws = rng.multinomial(n, [gain, lose, 1 - discordance], size=2000)
    assert np.mean([mcnemar(g, b) <= 0.05 for g, b, _ in draws]) == pytest.approx(0.77, abs=0.05)


@pytest.mark.parametrize(("n", "expected"), [(100, 0.198), (200, 0.140), (500, 0.089), (1000, 0.063)])
def test_least_unpaired_difference(n, expected):
    delta = mde_unpaired(n, 0.5)
    assert delta == pytest.approx(expected, abs=6e-4)
    assert NormalIndPower().power(delta / 0.5, n, 0.05) == pytest.approx(0.8, abs=1e-6)


def test_least_difference_of_a_t_test():
    groups = 40
    delta = mde_from_se(1 / np.sqrt(groups), groups - 1)
    assert TTestPower().power(delta, groups, 0.05) == pytest.approx(0.8, abs=0.01)


@pytest.mark.parametrize(
    ("items", "units", "allowed"), [(7, 7, False), (19, 19, False), (20, 20, True), (70, 5, False), (70, 6, True)]
)
def test_when_a_sample_carries_inference(items, units, allowed):
    assert carries_inference(items, units) is allowed


def test_least_p_values():
    assert minimal_p(7) == 2 / 128
    assert minimal_p(6) < 0.05 < minimal_p(5)
    assert minimal_p(0) == 1
    assert minimal_p(5000) == 0  # too small for a float, and no error


@given(st.tuples(*[st.integers(0, 50)] * 4))
def test_independence_keeps_the_margins(table):
    both, proxy_only, truth_only, _ = table
    n = sum(table)
    expected = independence(*table)
    if n == 0:
        assert expected.phi is None
        return
    proxy = (both + proxy_only) / n
    assert expected.truth_only == pytest.approx((1 - proxy) * (both + truth_only))
    assert expected.truth_only - truth_only == pytest.approx(expected.proxy_only - proxy_only)
    if expected.phi is not None:
        verdicts = np.repeat([[1, 1], [1, 0], [0, 1], [0, 0]], table, axis=0)
        assert expected.phi == pytest.approx(np.corrcoef(verdicts.T)[0, 1], abs=1e-9)


def test_two_unrelated_verdicts_make_dbdk_of_their_own():
    assert independence(30, 30, 20, 20).truth_only == pytest.approx(20)


@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 10), st.booleans())
def test_bounds_are_the_extremes_over_all_completions(k, rest, missing, joint):
    n = k + rest
    found = []
    for inside in range(missing + 1):  # missing samples that enter the denominator
        for hit in range(inside + 1):
            denominator = n + missing if joint else n + inside
            if denominator:
                found.append((k + hit) / denominator)
    limits = bounds(k, n + missing if joint else n, missing, joint)
    if not found:
        assert limits is None
    else:
        assert limits == pytest.approx((min(found), max(found)))


@given(st.lists(st.tuples(st.sampled_from([0.0, 0.2, 0.5, 0.9]), st.booleans()), min_size=2, max_size=40))
def test_auroc_agrees_with_scikit_learn(pairs):
    scores, labels = zip(*pairs, strict=True)
    if len(set(labels)) < 2:
        assert auroc(scores, labels) is None
    else:
        assert auroc(scores, labels) == pytest.approx(roc_auc_score(labels, scores))


def test_nothing_heavy_is_imported():
    code = (
        "import sys, harness.stats, harness.report.build, harness.report.terminal\n"
        "print([m for m in ('torch', 'transformers', 'scipy', 'lm_eval', 'statsmodels') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"


def test_the_pairs_that_a_difference_takes():
    assert (pairs_needed(0.05, 0.1), pairs_needed(0.1, 0.1)) == (312, 77)
    for difference, discordance in ((0.05, 0.1), (0.05, 0.3), (0.1, 0.25)):
        n = pairs_needed(difference, discordance)
        assert mde_paired(n, discordance) == pytest.approx(difference, rel=0.01)
    with pytest.raises(ValueError, match="cannot come from"):
        pairs_needed(0.1, 0.05)
