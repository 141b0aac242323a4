"""Kappa and its interval agree with scikit-learn and statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import cohens_kappa

from harness.stats import kappa, kappa_interval

pairs_of_labels = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=50)


@given(pairs_of_labels)
def test_kappa_is_cohens(pairs):
    first, second = [one for one, _ in pairs], [two for _, two in pairs]
    value = kappa(first, second)
    if value is None:
        assert len({*first, *second}) == 1
    else:
        assert value == pytest.approx(cohen_kappa_score(first, second), abs=1e-9)


@given(pairs_of_labels)
def test_its_interval_has_the_large_sample_variance(pairs):
    first, second = [one for one, _ in pairs], [two for _, two in pairs]
    found = kappa_interval(first, second)
    if found is None or kappa(first, second) == 1:
        assert found or min(len({*first}), len({*second})) == 1 or all(one != two for one, two in pairs)
        return
    table = np.zeros((2, 2))
    for one, two in pairs:
        table[int(one), int(two)] += 1
    expected = cohens_kappa(table)
    assert found.low == pytest.approx(max(expected.kappa_low, -1), abs=1e-9)
    assert found.high == pytest.approx(min(expected.kappa_upp, 1), abs=1e-9)


def test_readers_who_never_differed_may_differ_yet():
    labels = [True] * 12 + [False] * 23
    low, high = kappa_interval(labels, labels)
    assert (round(low, 2), high) == (0.78, 1.0)
