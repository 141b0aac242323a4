"""Who knows: the interaction decides, and nothing that a scenario or a procedure brings along by itself."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness_plugins.tasks.goodhart.matched.crossed import margin, read, whole

NATS = st.integers(-1000, 1000)  # whole numbers, so that sums are exact


def square(k: int) -> st.SearchStrategy[list[list[int]]]:
    return st.lists(st.lists(NATS, min_size=k, max_size=k), min_size=k, max_size=k)


matrices = st.integers(2, 4).flatmap(square)


@given(matrices, st.lists(NATS, min_size=4, max_size=4), st.lists(NATS, min_size=4, max_size=4))
def test_adding_a_function_of_the_scenario_or_of_the_procedure_changes_no_margin(
    matrix: list[list[int]], of_scenario: list[int], of_procedure: list[int]
) -> None:
    shifted = [
        [value + of_scenario[s] + of_procedure[c] for c, value in enumerate(row)] for s, row in enumerate(matrix)
    ]
    assert [reading.margin for reading in read(shifted)] == [reading.margin for reading in read(matrix)]


@given(st.integers(2, 4), st.lists(NATS, min_size=4, max_size=4), st.lists(NATS, min_size=4, max_size=4))
def test_a_chooser_without_an_interaction_knows_nothing(
    k: int, by_scenario: list[int], by_procedure: list[int]
) -> None:
    readings = read([[by_scenario[s] + by_procedure[c] for c in range(k)] for s in range(k)])
    assert not any(reading.knows for reading in readings)
    assert {reading.margin for reading in readings} == {0}


@pytest.mark.parametrize(("k", "chance"), [(2, 0.5), (4, 0.186)])
def test_on_noise_a_scenario_knows_by_chance_alone(k: int, chance: float) -> None:
    rng, draws = Random(5), 20_000
    readings = [r for _ in range(draws) for r in read([[rng.gauss(0, 1) for _ in range(k)] for _ in range(k)])]
    assert sum(reading.knows for reading in readings) / len(readings) == pytest.approx(chance, abs=0.008)


def test_a_measured_set_is_known_though_one_text_wins_three_rows() -> None:
    """Log-likelihoods of a 1.5B model in {sale, tax} × {coupon, fee}: every crossed pair is right, preference is not."""
    measured = [
        [-26.8, -29.8, -32.0, -38.1],
        [-28.6, -26.4, -29.8, -31.2],
        [-23.1, -25.7, -24.7, -31.2],
        [-26.9, -25.3, -22.4, -22.7],
    ]
    readings = read(measured)
    assert whole(readings)
    assert [reading.prefers for reading in readings] == [True, True, False, False]
    assert [reading.recognizes for reading in readings] == [False, False, False, True]
    assert margin(measured, 0, 1) == pytest.approx(5.2)
    assert readings[0].margin == pytest.approx(3.6)  # against the third, its nearest twin


def test_a_tie_is_not_knowing_and_one_lost_twin_spoils_the_item_and_the_set() -> None:
    assert not any(reading.knows or reading.prefers or reading.recognizes for reading in read([[1, 1], [1, 1]]))
    readings = read([[5, 0, 0], [0, 5, 9], [0, 9, 5]])
    assert [reading.knows for reading in readings] == [True, False, False]
    assert not whole(readings)


@pytest.mark.parametrize("matrix", [[], [[1.0]], [[1.0, 2.0]], [[1.0, 2.0], [3.0]]])
def test_what_is_no_square_of_two_or_more_is_refused(matrix: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="as many procedures as scenarios"):
        read(matrix)
