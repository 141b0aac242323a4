"""Arms under several seeds: the seed is the unit, and seed sets are never mixed."""

from __future__ import annotations

import random

import pytest
from scipy.stats import ttest_rel
from statsmodels.stats.multitest import multipletests

from harness.contract import Outcome
from harness.report.build import build
from harness.report.data import CellSummary, Contrast, ReportData, Row
from harness.report.results import to_json

HACK = {"vanilla": 0.8, "erase": 0.4, "route": 0.75}


def experiment(axes, seeds: dict[str, range]) -> ReportData:
    """Three trainers, each under its own seeds; forty items a cell."""
    cells, rows, contrasts = [], {}, []
    for trainer, rate in HACK.items():
        for seed in seeds[trainer]:
            dice = random.Random(f"{trainer} {seed}")
            cell = f"{trainer}-{seed}"
            rows[cell] = tuple(
                Row(
                    item=f"p{i}",
                    family="all",
                    cluster=f"p{i}",
                    verdict=Outcome(proxy=dice.random() < rate, truth=dice.random() < 0.3),
                )
                for i in range(40)
            )
            cells.append(
                CellSummary(
                    id=cell, model="m", suite="s", trainer=trainer, seed=seed, planned=40, attempted=40, scored=40
                )
            )
            if trainer != "vanilla":
                contrasts.append(Contrast(base=f"vanilla-{seed}", other=cell, factor="trainer"))
    known = {cell.id for cell in cells}
    return ReportData(
        title="trainers",
        suites={"s": axes},
        cells=tuple(cells),
        rows=rows,
        contrasts=tuple(c for c in contrasts if c.base in known),
    )


def tables(data):
    return {table["key"]: table["rows"] for table in to_json(build(data))["sections"][0]["tables"]}


def shares(data, trainer, seeds):
    return [sum(row.verdict.proxy for row in data.rows[f"{trainer}-{seed}"]) / 40 for seed in seeds]


def test_the_seed_is_the_unit(axes):
    seeds = range(41, 49)
    data = experiment(axes, dict.fromkeys(HACK, seeds))
    found = tables(data)
    row = found["seeds:differences:understanding"][0]
    base, other = shares(data, "vanilla", seeds), shares(data, "erase", seeds)
    assert row["difference"]["seeds"] == list(seeds)
    assert row["difference"]["value"] == pytest.approx(sum(other) / 8 - sum(base) / 8)
    oracle = ttest_rel(other, base).confidence_interval(0.95)
    assert row["difference"]["interval"] == pytest.approx([oracle.low, oracle.high])
    assert row["p"]["value"] == row["p"]["minimal"] == 2 / 256  # erase is below vanilla under every seed
    assert row["adjusted"]["inference"] is True
    result = found["seeds:results"][0]["understanding"]
    assert result["value"] == pytest.approx(sum(base) / 8)


def test_the_declared_family_is_over_seeds(axes):
    found = tables(experiment(axes, dict.fromkeys(HACK, range(41, 49))))
    over_seeds = found["seeds:differences:understanding"]
    expected = multipletests([row["p"]["value"] for row in over_seeds], method="holm")[1]
    assert [row["adjusted"]["value"] for row in over_seeds] == pytest.approx(list(expected))
    assert {(row["adjusted"]["method"], row["adjusted"]["family"]) for row in over_seeds} == {("Holm", 2)}
    assert {(row["adjusted"]["method"], row["adjusted"]["family"]) for row in found["differences:understanding"]} == {
        ("BH", 16)
    }


def test_under_six_seeds_a_difference_carries_no_inference(axes):
    data = experiment(axes, dict.fromkeys(HACK, range(41, 46)))
    section = build(data).sections[0]
    table = next(t for t in section.tables if t.key == "seeds:differences:understanding")
    assert {row[-1].text for row in table.rows} == {"no inference"}


def test_only_shared_seeds_are_compared(axes):
    data = experiment(axes, {"vanilla": range(41, 47), "erase": range(44, 50), "route": range(41, 47)})
    row = tables(data)["seeds:differences:understanding"][0]
    assert row["difference"]["seeds"] == [44, 45, 46]
    base, other = shares(data, "vanilla", (44, 45, 46)), shares(data, "erase", (44, 45, 46))
    assert row["base"]["value"] == pytest.approx(sum(base) / 3)
    assert row["difference"]["value"] == pytest.approx((sum(other) - sum(base)) / 3)


def test_one_seed_has_no_spread(axes):
    data = experiment(axes, {"vanilla": range(41, 43), "erase": range(41, 42), "route": range(41, 43)})
    row = tables(data)["seeds:results"][1]
    assert row["seeds"] == [41]
    assert (row["understanding"]["sd"], row["understanding"]["interval"]) == (None, None)
    assert "seeds:results" not in tables(experiment(axes, dict.fromkeys(HACK, range(41, 42))))
