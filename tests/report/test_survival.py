"""What a training changed, before and after a compression: the difference of differences, seed by seed."""

from __future__ import annotations

import random

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from harness.contract import Outcome
from harness.report.build import build
from harness.report.data import CellSummary, Contrast, ReportData, Row
from harness.report.results import to_json

SEEDS = range(8)
# The cure takes 40 points off the rate; rtn4 brings 20 of them back, rtn8 none.
RATES = {
    ("vanilla", "none"): 0.7, ("erase", "none"): 0.3,
    ("vanilla", "rtn8"): 0.7, ("erase", "rtn8"): 0.3,
    ("vanilla", "rtn4"): 0.6, ("erase", "rtn4"): 0.4,
}  # fmt: skip


def crossed(axes, seeds=SEEDS, missing=()) -> ReportData:
    """Items share their noise over arms, as coupled sampling has it."""
    cells, rows = [], {}
    for (trainer, compressor), rate in RATES.items():
        for seed in seeds:
            if (trainer, compressor, seed) in missing:
                continue
            key = f"{trainer}-{compressor}-{seed}"
            noise = [random.Random(f"{seed} {i}").random() for i in range(200)]
            rows[key] = tuple(
                Row(item=f"p{i}", family="all", cluster=f"p{i}", verdict=Outcome(proxy=u < rate, truth=u > 0.5))
                for i, u in enumerate(noise)
            )
            cells.append(
                CellSummary(
                    id=key, model="m", suite="s", trainer=trainer, compressor=compressor, seed=seed,
                    planned=200, attempted=200, scored=200,
                )
            )  # fmt: skip
    known = {cell.id for cell in cells}
    contrasts = [
        Contrast(base=f"vanilla-{compressor}-{seed}", other=f"erase-{compressor}-{seed}", factor="trainer")
        for compressor in ("none", "rtn8", "rtn4")
        for seed in seeds
    ]
    return ReportData(
        title="crossed",
        suites={"s": axes},
        cells=tuple(cells),
        rows=rows,
        contrasts=tuple(one for one in contrasts if {one.base, one.other} <= known),
    )


def rows_of(data: ReportData) -> dict[str, dict]:
    tables = {table["key"]: table["rows"] for table in to_json(build(data))["sections"][0]["tables"]}
    return {row["compressor"]: row for row in tables.get("survival:understanding", [])}


def rate(data: ReportData, trainer: str, compressor: str, seed: int) -> float:
    return float(np.mean([row.verdict.proxy for row in data.rows[f"{trainer}-{compressor}-{seed}"]]))


def test_what_comes_back_is_the_difference_of_differences_over_seeds(axes):
    data = crossed(axes)
    found = rows_of(data)
    assert found.keys() == {"rtn8", "rtn4"}
    gaps = {
        c: [rate(data, "erase", c, seed) - rate(data, "vanilla", c, seed) for seed in SEEDS] for c in ("none", "rtn4")
    }
    change = np.subtract(gaps["rtn4"], gaps["none"])
    row = found["rtn4"]
    assert row["plain"]["value"] == pytest.approx(np.mean(gaps["none"]))
    assert row["compressed"]["value"] == pytest.approx(np.mean(gaps["rtn4"]))
    assert row["change"]["value"] == pytest.approx(change.mean())
    oracle = ttest_1samp(change, 0).confidence_interval(0.95)
    assert row["change"]["interval"] == pytest.approx([oracle.low, oracle.high])
    assert row["p"]["value"] == 2 / 256
    assert row["adjusted"]["value"] == pytest.approx(4 / 256)  # the family is both compressors


def test_the_arms_own_change_says_who_moved(axes, monkeypatch):
    own = rows_of(crossed(axes))["rtn4"]["own"]["value"]
    changes = [
        rate(crossed(axes), "erase", "rtn4", seed) - rate(crossed(axes), "erase", "none", seed) for seed in SEEDS
    ]
    assert own == pytest.approx(np.mean(changes))
    assert own == pytest.approx(0.1, abs=0.03)  # half of the change of 0.2 is vanilla's
    monkeypatch.setitem(RATES, ("erase", "rtn4"), 0.3)
    row = rows_of(crossed(axes))["rtn4"]
    assert row["change"]["value"] > 0.05
    assert row["own"]["value"] == 0


def test_an_effect_that_stays_changes_by_nothing(axes):
    """The noise is shared, so not even by chance."""
    row = rows_of(crossed(axes))["rtn8"]
    assert (row["change"]["value"], row["p"]["value"]) == (0, 1)


def test_a_seed_that_lacks_one_of_the_four_cells_is_left_out(axes):
    found = rows_of(crossed(axes, missing={("vanilla", "rtn4", 3)}))
    assert found["rtn4"]["seeds"] == [0, 1, 2, 4, 5, 6, 7]
    assert found["rtn8"]["seeds"] == list(SEEDS)


def test_without_compressed_arms_there_is_no_table(axes):
    data = crossed(axes)
    cells = tuple(cell for cell in data.cells if cell.compressor == "none")
    contrasts = tuple(one for one in data.contrasts if "-none-" in one.base)
    assert rows_of(data.model_copy(update={"cells": cells, "contrasts": contrasts})) == {}
