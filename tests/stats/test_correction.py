"""Corrected rates: known answers, the reference implementation of prediction-powered inference, and coverage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stats import Corrected, Interval, joint_share, prediction_powered, rogan_gladen, share_in_part, wilson

MANY = 10**9


def test_a_known_answer_with_known_error_rates():
    # 23 of 150 cows react to a test of sensitivity .96 and specificity .89: 5.1 per 100, as epiR's manual has it
    found = rogan_gladen((23, 150), (0.96 * MANY, MANY), (0.89 * MANY, MANY))
    assert round(100 * found.value, 1) == 5.1
    raw = [(limit + 0.89 - 1) / (0.96 + 0.89 - 1) for limit in agresti_coull(23, 150)]
    assert found.interval == pytest.approx((max(raw[0], 0), raw[1]), abs=1e-6)


def agresti_coull(k: float, n: float) -> tuple[float, float]:
    z = 1.959963984540054
    p = (k + z * z / 2) / (n + z * z)
    half = z * (p * (1 - p) / (n + z * z)) ** 0.5
    return p - half, p + half


def test_estimated_error_rates_widen_the_interval():
    # Lang & Reiczigel's formulae worked by hand for 80/200, 45/50 and 90/100
    found = rogan_gladen((80, 200), (45, 50), (90, 100))
    assert found.value == pytest.approx(0.375)
    assert found.interval == pytest.approx(by_hand(), abs=1e-9)
    known = rogan_gladen((80, 200), (0.9 * MANY, MANY), (0.9 * MANY, MANY))
    assert found.interval.high - found.interval.low > known.interval.high - known.interval.low


def by_hand() -> tuple[float, float]:
    z = 1.959963984540054
    n = 203.8414588206941  # 200 + z²
    share, recall, specificity = 81.92072941034706 / n, 46 / 52, 91 / 102
    gain = recall + specificity - 1
    centre = (share + specificity - 1) / gain
    of_recall, of_specificity = recall * (1 - recall) / 52, specificity * (1 - specificity) / 102
    variance = (share * (1 - share) / n + centre**2 * of_recall + (1 - centre) ** 2 * of_specificity) / gain**2
    middle = centre + 2 * z**2 * (centre * of_recall - (1 - centre) * of_specificity)
    return middle - z * variance**0.5, middle + z * variance**0.5


def test_a_verdict_that_separates_nothing_corrects_nothing():
    assert rogan_gladen((10, 100), (50, 100), (50, 100)) is None
    assert rogan_gladen((12, 35), (2, 4), (21, 31)).says_nothing  # the rubric of the recount: precision .17, recall .50


@given(st.integers(0, 40), st.integers(0, 20), st.integers(0, 20))
def test_a_corrected_rate_is_a_rate_inside_its_interval(passed, hits, clears):
    found = rogan_gladen((passed, 40), (hits, 20), (clears, 20))
    if found is not None:
        assert 0 <= found.interval.low <= found.value <= found.interval.high <= 1


counted = st.integers(0, 12).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(st.integers(0, 40), counted, counted, st.integers(0, 40))
def test_so_is_one_by_labels_and_what_is_made_of_two(passed, if_passed, if_failed, part):
    found = prediction_powered((passed, 40), if_passed, if_failed)
    if not if_passed[1] and not if_failed[1]:
        assert found.says_nothing
    for one in (found, found.complement, joint_share(found, (part, 40)), share_in_part(found, found, (part, 40))):
        if one is not None:
            assert -1e-12 <= one.interval.low <= one.value + 1e-12
            assert one.value - 1e-12 <= one.interval.high <= 1 + 1e-12


def test_labels_on_the_same_samples_give_ppi_plus_plus():
    # ppi-python 0.2.3 on these samples; its λ comes from all verdicts' variance, ours from the labelled ones'
    verdict, label = samples(np.random.default_rng(3), 4000)
    found = corrected_by_labels(verdict, label, 400)
    assert found.value == pytest.approx(0.290682, abs=0.001)
    assert found.interval == pytest.approx((0.257210, 0.324155), abs=0.002)


def test_the_reference_implementation_agrees():
    ppi = pytest.importorskip("ppi_py")
    for seed in range(5):
        verdict, label = samples(np.random.default_rng(seed), 4000)
        ours = corrected_by_labels(verdict, label, 400)
        given = label[:400].astype(float), verdict[:400].astype(float), verdict[400:].astype(float)
        assert ours.value == pytest.approx(float(np.squeeze(ppi.ppi_mean_pointestimate(*given))), abs=0.006)
        low, high = (float(np.squeeze(limit)) for limit in ppi.ppi_mean_ci(*given, alpha=0.05))
        assert ours.interval == pytest.approx((low, high), abs=0.008)


def samples(rng: np.random.Generator, n: int, rate=0.3, recall=0.8, specificity=0.9) -> tuple[np.ndarray, np.ndarray]:
    """(n,) verdicts and (n,) labels."""
    label = rng.random(n) < rate
    return np.where(label, rng.random(n) < recall, rng.random(n) >= specificity), label


def corrected_by_labels(verdict: np.ndarray, label: np.ndarray, labelled: int) -> Corrected:
    passed, read = verdict[:labelled], label[:labelled]
    if_passed = (int((passed & read).sum()), int(passed.sum()))
    if_failed = (int((~passed & read).sum()), int((~passed).sum()))
    return prediction_powered((int(verdict.sum()), len(verdict)), if_passed, if_failed)


def test_what_is_true_in_a_part_is_put_together_from_both_parts():
    sure, never = Corrected(1.0, Interval(1.0, 1.0)), Corrected(0.0, Interval(0.0, 0.0))
    assert joint_share(sure, (30, 100)).value == 0.3
    assert joint_share(sure, (30, 100)).interval == pytest.approx(wilson(30, 100))
    assert share_in_part(sure, sure, (30, 100)).value == pytest.approx(0.3)
    assert share_in_part(sure, sure, (30, 100)).interval == pytest.approx(wilson(30, 100))
    assert share_in_part(never, never, (30, 100)) is None
    assert share_in_part(never, sure, (30, 100)).value == 0


DESIGNS = [(0.2, 0.85, 0.95, 60, 150), (0.5, 0.7, 0.8, 40, 40), (0.05, 0.9, 0.97, 30, 100)]


@pytest.mark.slow
@pytest.mark.parametrize(("rate", "recall", "specificity", "yes", "no"), DESIGNS)
def test_rates_corrected_by_labels_elsewhere_cover_the_truth(rate, recall, specificity, yes, no):
    rng, tries = np.random.default_rng(2), 4000
    covered = 0
    for _ in range(tries):
        passed = rng.binomial(200, rate * recall + (1 - rate) * (1 - specificity))
        found = rogan_gladen((passed, 200), (rng.binomial(yes, recall), yes), (rng.binomial(no, specificity), no))
        covered += found is None or found.interval.low <= rate <= found.interval.high
    assert covered / tries > 0.935


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rate", "recall", "specificity", "labelled"),
    [(0.3, 0.8, 0.9, 50), (0.5, 0.95, 0.95, 30), (0.1, 0.5, 0.9, 100), (0.85, 0.98, 0.6, 12)],
)
def test_rates_corrected_by_labels_here_cover_the_truth(rate, recall, specificity, labelled):
    rng, tries, covered = np.random.default_rng(4), 4000, 0
    for _ in range(tries):
        low, high = corrected_by_labels(*samples(rng, 300, rate, recall, specificity), labelled).interval
        covered += low <= rate <= high
    assert covered / tries > 0.935


@pytest.mark.slow
def test_the_share_in_a_part_covers_the_truth_though_both_were_corrected_alike():
    """The gap rate: of those that truly know, the share that fails."""
    rng, tries, covered = np.random.default_rng(5), 4000, 0
    knows_if_fails, knows_if_does, fails, recall, specificity = 0.3, 0.8, 0.4, 0.85, 0.9
    truth = fails * knows_if_fails / (fails * knows_if_fails + (1 - fails) * knows_if_does)
    for _ in range(tries):
        failed = int(rng.binomial(200, fails))
        error = (rng.binomial(80, recall), 80), (rng.binomial(80, specificity), 80)
        parts = []
        for n, knows in ((failed, knows_if_fails), (200 - failed, knows_if_does)):
            passed = rng.binomial(n, knows * recall + (1 - knows) * (1 - specificity))
            parts.append(rogan_gladen((passed, n), *error))
        found = share_in_part(parts[0], parts[1], (failed, 200))
        covered += found.interval.low <= truth <= found.interval.high
    assert covered / tries > 0.935
