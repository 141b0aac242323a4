"""Calibration by hand, and against scores that are true chances."""

from __future__ import annotations

import numpy as np
import pytest

from harness.stats import calibration


def test_by_hand():
    found = calibration([0.1, 0.15, 0.9, 1.0], [False, True, True, True])
    assert found is not None
    assert [(one.samples, one.share) for one in found.bins] == [(2, 0.5), (2, 1.0)]
    assert found.error == pytest.approx((abs(0.25 - 1) + abs(1.9 - 2)) / 4)
    assert found.brier == pytest.approx((0.1**2 + 0.85**2 + 0.1**2) / 4)
    assert calibration([], []) is None


def test_true_chances_lie_below_the_bound_and_sure_ones_above():
    random = np.random.default_rng(1)
    within = 0
    for _ in range(20):
        chances = random.random(200)
        labels = (random.random(200) < chances).tolist()
        found = calibration(chances.tolist(), labels)
        assert found is not None
        within += found.error <= found.by_chance
        sure = calibration((chances > 0.5).astype(float).tolist(), labels)
        assert sure is not None
        assert sure.error > sure.by_chance
    assert within >= 17
