"""Detector statistics: thresholds by property, intervals by coverage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.stats import auroc, auroc_interval, threshold_at

scored = st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=60)


@given(scored, st.floats(0, 1))
def test_a_threshold_keeps_the_false_positive_rate_and_no_lower_one_does(pairs, share):
    scores, labels = [score / 5 for score, _ in pairs], [label for _, label in pairs]
    negatives = [score for score, label in zip(scores, labels, strict=True) if not label]
    if not negatives:
        with pytest.raises(ValueError, match="negatives"):
            threshold_at(scores, labels, share)
        return
    threshold = threshold_at(scores, labels, share)
    assert np.mean([score >= threshold for score in negatives]) <= share
    lower = [score for score in scores if score < threshold]
    assert not lower or np.mean([score >= max(lower) for score in negatives]) > share


@given(scored)
@settings(max_examples=60)
def test_the_interval_of_an_auroc_holds_it(pairs):
    scores, labels = [float(score) for score, _ in pairs], [label for _, label in pairs]
    area = auroc(scores, labels)
    interval = auroc_interval(scores, labels, range(len(pairs)))
    if interval is None:
        assert sum(labels) < 2 or sum(not label for label in labels) < 2
    else:
        assert interval.low - 1e-9 <= area <= interval.high + 1e-9
        assert interval.low < interval.high


def test_the_interval_of_an_auroc_covers_the_truth_though_samples_hang_together():
    rng = np.random.default_rng(1)
    truth = 0.7602499  # Φ(1/√2): positives and negatives normal, one standard deviation apart
    covered = 0
    for _ in range(300):
        clusters = np.repeat(np.arange(40), 6)
        labels = np.tile([True, True, True, False, False, False], 40)
        shared = rng.normal(size=(40, 2))[clusters, labels.astype(int)]  # what one cluster's samples of a class share
        scores = labels * 1.0 + np.sqrt(0.6) * shared + np.sqrt(0.4) * rng.normal(size=240)
        low, high = auroc_interval(scores, labels, clusters)
        covered += low <= truth <= high
    assert covered / 300 > 0.92
