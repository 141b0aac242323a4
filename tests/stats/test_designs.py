from __future__ import annotations

import numpy as np
import pytest

from harness.stats.designs import folded, main_effects, one_at_a_time, plackett_burman


@pytest.mark.parametrize(
    ("factors", "runs"),
    [(1, 4), (3, 4), (6, 8), (11, 12), (13, 16), (19, 20), (24, 32), (30, 32), (42, 44), (168, 180)],
)
def test_columns_are_balanced_and_orthogonal(factors: int, runs: int) -> None:
    design = plackett_burman(factors).astype(int)
    assert design.shape == (runs, factors)
    assert set(np.unique(design)) == {-1, 1}
    assert not design.sum(axis=0).any()
    assert np.array_equal(design.T @ design, runs * np.eye(factors))


def test_effects_are_those_that_made_the_responses_and_folding_clears_them_of_interactions() -> None:
    generator = np.random.default_rng(0)
    effects = generator.normal(size=(11, 5))
    design = folded(plackett_burman(11))
    on = (design + 1) / 2
    responses = 3 + on @ effects
    assert np.allclose(main_effects(design, responses), effects)
    interaction = 7.0 * (design[:, 2] * design[:, 5])[:, None]
    assert np.allclose(main_effects(design, responses + interaction), effects)
    half = plackett_burman(11)
    aliased = main_effects(half, 3 + (half + 1) / 2 @ effects + 7.0 * (half[:, 2] * half[:, 5])[:, None])
    assert not np.allclose(aliased, effects, atol=0.5)


def test_the_variance_of_an_effect_is_four_sigma_squared_over_k() -> None:
    generator = np.random.default_rng(1)
    design = plackett_burman(24)
    found = main_effects(design, generator.normal(size=(len(design), 20_000)))
    assert found.var() == pytest.approx(4 / 32, rel=0.02)


def test_one_at_a_time_turns_each_on_alone() -> None:
    assert (one_at_a_time(3) == [[1, -1, -1], [-1, 1, -1], [-1, -1, 1]]).all()


def test_no_factor_is_refused() -> None:
    with pytest.raises(ValueError, match="a factor"):
        plackett_burman(0)
