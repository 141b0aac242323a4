"""A screen's effects from responses whose causes are known."""

from __future__ import annotations

import numpy as np
import pytest

from harness.planning.screening import BASE, IDENTITY, WHOLE, Response, Screen, _runs
from harness.report.sensitivity.effects import controls, damages, spearman
from harness.report.sensitivity.responses import Table

UNITS = 11
DESIGNS = ("factorial", "add-one", "restore-one")


def screen() -> Screen:
    response = Response(suite="s", measure="m", sign=1)
    units = tuple(map(str, range(UNITS)))
    return Screen(
        compressor="x",
        unit="block",
        units=units,
        designs=DESIGNS,
        responses={"knowing": response},
        runs=_runs(UNITS, DESIGNS),
    )


def table(made: Screen, lost: np.ndarray, noise: float = 0.0, synergy: float = 0.0) -> Table:
    """Each compressed unit takes its loss (units, items) from a response; the null probes take a hundredth of it."""
    generator = np.random.default_rng(3)
    rows = {BASE: np.full(lost.shape[1], 5.0)}
    for label, run in made.runs.items():
        taken = lost[list(run.on)].sum(axis=0) * (0.01 if run.design == "null" else 1.0)
        pair = synergy if {2, 5} <= set(run.on) and run.design != "null" else 0.0
        rows[label] = 5.0 - taken - pair + noise * generator.normal(size=lost.shape[1]) * (label != IDENTITY)
    items = tuple(map(str, range(lost.shape[1])))
    return Table(tuple(rows), items, np.arange(lost.shape[1]) // 2, np.array(list(rows.values())))


def planted(items: int = 12) -> np.ndarray:
    generator = np.random.default_rng(0)
    return np.linspace(0, 1, UNITS)[:, None] + 0.1 * generator.normal(size=(UNITS, items))


@pytest.mark.parametrize("design", DESIGNS)
def test_every_design_finds_the_damage_that_was_planted(design: str) -> None:
    made, lost = screen(), planted()
    found = damages(made, design, table(made, lost))
    assert [one.damage for one in found] == pytest.approx(lost.mean(axis=1))
    paired = lost.reshape(UNITS, -1, 2).mean(axis=2)  # clusters of two items
    expected = paired.std(axis=1, ddof=1) / paired.shape[1] ** 0.5
    assert [one.error for one in found] == pytest.approx(expected)


def test_the_factorial_is_surer_than_one_at_a_time() -> None:
    made, lost = screen(), planted(2000)
    noisy = table(made, lost, noise=3.0)
    errors = {
        design: np.std([a.damage - b for a, b in zip(damages(made, design, noisy), lost.mean(axis=1), strict=True)])
        for design in ("factorial", "add-one")
    }
    assert errors["factorial"] < 0.6 * errors["add-one"]


def test_damage_that_two_do_together_splits_by_design() -> None:
    """Added alone neither shows it, restored alone each takes all of it back; the factorial gives each half."""
    made, lost = screen(), planted()
    with_it = table(made, lost, synergy=2.0)
    for design, share in (("factorial", 1.0), ("add-one", 0.0), ("restore-one", 2.0)):
        extra = np.array([one.damage for one in damages(made, design, with_it)]) - lost.mean(axis=1)
        assert extra[[2, 5]] == pytest.approx(share)
        assert np.delete(extra, [2, 5]) == pytest.approx(0.0, abs=1e-9)


def test_the_controls_say_what_they_should() -> None:
    made, lost = screen(), planted()
    exact = table(made, lost)
    found = controls(made, exact, damages(made, "factorial", exact))
    assert found.identity == 0.0
    assert found.noise == pytest.approx(0.01 * lost.mean(axis=1).sum())
    assert found.whole.damage == pytest.approx(lost.mean(axis=1).sum())
    assert len(found.foretold) == 3
    for foretold, measured in found.foretold:
        assert foretold == pytest.approx(measured)
    assert set(made.of("control")) == {IDENTITY, WHOLE}


@pytest.mark.parametrize(
    ("first", "second", "rho"),
    [
        ([1, 2, 3], [10, 20, 30], 1.0),
        ([1, 2, 3], [3, 2, 1], -1.0),
        ([1, 2, 2, 3], [1, 2, 3, 4], 0.9486833),
        ([1, 1], [1, 2], None),
    ],
)
def test_rank_correlation(first: list[float], second: list[float], rho: float | None) -> None:
    found = spearman(first, second)
    assert found == (None if rho is None else pytest.approx(rho))
