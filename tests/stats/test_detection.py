"""Detector statistics: agreement with scikit-learn, thresholds by property, intervals by coverage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from harness.stats import auroc, auroc_interval, kappa, rogan_gladen, threshold_at

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


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=50))
def test_kappa_is_cohens(pairs):
    first, second = [one for one, _ in pairs], [two for _, two in pairs]
    value = kappa(first, second)
    if value is None:
        assert len({*first, *second}) == 1
    else:
        assert value == pytest.approx(cohen_kappa_score(first, second), abs=1e-9)


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


def test_the_corrected_rate_undoes_known_errors():
    corrected = rogan_gladen(
        flagged=(0.25 * 0.8 * 1000 + 0.75 * 0.1 * 1000, 1000), recall=(80, 100), specificity=(90, 100)
    )
    assert corrected.value == pytest.approx(0.25)
    assert corrected.interval.low < 0.25 < corrected.interval.high


def test_a_detector_that_separates_nothing_corrects_nothing():
    assert rogan_gladen((10, 100), (50, 100), (50, 100)) is None


@given(st.integers(0, 40), st.integers(0, 20), st.integers(0, 20))
def test_a_corrected_rate_is_a_rate_inside_its_interval(flagged, hits, clears):
    found = rogan_gladen((flagged, 40), (hits, 20), (clears, 20))
    if found is not None:
        assert 0 <= found.interval.low <= found.value <= found.interval.high <= 1


def test_corrected_rates_cover_the_truth():
    rng = np.random.default_rng(2)
    covered = 0
    for _ in range(2000):
        truth, recall, specificity = 0.2, 0.85, 0.95
        flagged = rng.binomial(200, truth * recall + (1 - truth) * (1 - specificity))
        found = rogan_gladen((flagged, 200), (rng.binomial(60, recall), 60), (rng.binomial(150, specificity), 150))
        covered += found.interval.low <= truth <= found.interval.high
    assert covered / 2000 > 0.94
