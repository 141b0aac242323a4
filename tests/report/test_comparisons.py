"""Paired columns: the right test for the design, agreement with the oracle, and honesty where nothing can be said."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import ttest_1samp
from statsmodels.stats.contingency_tables import mcnemar as oracle
from statsmodels.stats.multitest import multipletests

from harness.contract import Outcome
from harness.report.analysis import analyse
from harness.report.build import build
from harness.report.data import Contrast
from harness.report.results import to_json


def rows(report, key, section=0):
    return next(t for t in to_json(report)["sections"][section]["tables"] if t["key"] == key)["rows"]


def indicator(samples, truth):
    return np.array(
        [isinstance(r.verdict, Outcome) and (r.verdict.truth if truth else r.verdict.proxy) for r in samples]
    )


def test_items_of_one_family_and_wording_take_mcnemar(experiment):
    data = experiment(families=1, items=70, errors=0.05)
    alike = {c: tuple(row._replace(cluster="w0") for row in found) for c, found in data.rows.items()}
    row = rows(build(data.model_copy(update={"rows": alike})), "differences:execution")[0]
    base, other = (indicator(data.rows[cell], truth=True) for cell in ("none", "uniform3"))
    table = [[(base & other).sum(), (base & ~other).sum()], [(~base & other).sum(), (~base & ~other).sum()]]
    assert row["p"]["test"] == "exact McNemar"
    assert row["p"]["units"] == 70
    assert row["p"]["value"] == pytest.approx(oracle(table, exact=True).pvalue)
    assert row["difference"]["value"] == pytest.approx(
        other.mean() - base.mean()
    )  # errored samples in both denominators
    assert (row["moved"]["gained"], row["moved"]["lost"]) == (table[1][0], table[0][1])


def test_the_test_takes_the_unit_of_the_interval(experiment):
    """Items of a family that fall together are one observation, however many: p cannot contradict the interval."""
    data = experiment(items=40)
    fallen = {  # three families lose every item, one gains every item: 80 lost items more than gained are no evidence
        "none": {f"family{n}": (n != 3) for n in range(7)},
        "uniform3": {f"family{n}": (n > 2) for n in range(7)},
    }
    names = list(dict.fromkeys(row.family for row in data.rows["none"]))
    by_cell = {
        cell: tuple(
            row._replace(verdict=Outcome(proxy=True, truth=holds[f"family{names.index(row.family)}"]))
            for row in data.rows[cell]
        )
        for cell, holds in fallen.items()
    }
    row = rows(build(data.model_copy(update={"rows": {**data.rows, **by_cell}})), "differences:execution")[0]
    assert (row["moved"]["gained"], row["moved"]["lost"]) == (40, 120)
    assert (row["p"]["test"], row["p"]["unit"], row["p"]["units"]) == ("t", "family", 7)
    assert row["p"]["value"] == pytest.approx(ttest_1samp([-1, -1, -1, 1, 0, 0, 0], 0).pvalue)
    low, high = row["difference"]["interval"]
    assert low < 0 < high


def test_few_families_are_taken_as_given(experiment):
    """Two to five families are no sample of families: their clusters are the unit, of the interval and of the test."""
    for families, unit, units in ((5, "cluster", 15), (6, "family", 6)):
        row = rows(build(experiment(families=families)), "differences:execution")[0]
        assert (row["p"]["unit"], row["p"]["units"]) == (unit, units)


def test_repeats_are_averaged_and_tested_over_families(experiment):
    row = rows(build(experiment(runs=5, items=3)), "differences:execution")[0]
    assert (row["p"]["test"], row["p"]["unit"], row["p"]["units"]) == ("t", "family", 7)
    low, high = row["difference"]["interval"]
    assert (row["p"]["value"] < 0.05) == (low > 0 or high < 0)
    assert row["difference"]["items"] == 21  # five repeats of an item are one item
    assert row["difference"]["samples"] == 105
    family = rows(build(experiment(runs=5, items=3)), "families:execution")[1]
    assert (family["p"]["unit"], family["p"]["units"]) == ("cluster", 3)


def test_a_repeat_more_is_not_an_item_more(experiment):
    """Copying every sample changes neither the estimate nor the interval's width below that of the items."""
    once = experiment(items=6)
    twice = once.model_copy(
        update={"rows": {c: (*s, *(r._replace(repeat=1) for r in s)) for c, s in once.rows.items()}}
    )
    single, double = (rows(build(data), "results")[0]["execution"] for data in (once, twice))
    assert double["value"] == single["value"]
    assert np.diff(double["interval"]) >= np.diff(single["interval"]) - 1e-9


def test_holm_over_the_declared_contrasts(experiment):
    data = experiment()
    for metric in ("execution", "understanding", "dbdk", "explanation_length"):
        found = rows(build(data), f"differences:{metric}")
        expected = multipletests([row["p"]["value"] for row in found], method="holm")[1]
        assert [row["adjusted"]["value"] for row in found] == pytest.approx(list(expected))
        assert {(row["adjusted"]["method"], row["adjusted"]["family"]) for row in found} == {("Holm", 2)}


def test_a_failed_cell_still_counts_in_the_family(experiment):
    data = experiment()
    cells = tuple(
        c.model_copy(update={"state": "failed", "error": "out of memory", "attempted": 0, "scored": 0})
        if c.id == "ultra3"
        else c
        for c in data.cells
    )
    report = build(data.model_copy(update={"cells": cells, "rows": {**data.rows, "ultra3": ()}}))
    uniform, ultra = rows(report, "differences:execution")
    assert uniform["adjusted"]["value"] == pytest.approx(min(1, 2 * uniform["p"]["value"]))
    assert ultra["p"] is ultra["other"] is ultra["difference"] is None
    run = next(section for section in to_json(report)["sections"] if section["key"] == "run")
    fate = next(t for t in run["tables"] if t["key"] == "exclusions")["rows"][2]
    assert fate["state"] == "failed"
    assert fate["excluded"] == {"not run": 70}


def test_families_of_ten_items_carry_no_inference(experiment):
    report = build(experiment())
    table = next(t for t in report.sections[0].tables if t.key == "families:execution")
    adjusted = {row[-1].text for row in table.rows if row[1].text != "baseline"}
    assert adjusted == {"no inference"}
    pooled = next(t for t in report.sections[0].tables if t.key == "differences:execution")
    assert all("no inference" not in row[-1].text for row in pooled.rows)


def test_the_canonical_seven_carry_no_inference(experiment):
    report = build(experiment(items=1))
    table = next(t for t in report.sections[0].tables if t.key == "differences:execution")
    assert {row[-1].text for row in table.rows} == {"no inference"}
    assert any("n = 7 items carries no inference" in note for note in report.sections[0].notes)


def test_a_contrast_turned_round_is_its_negative(experiment):
    data = experiment(runs=2)
    turned = data.model_copy(
        update={"contrasts": tuple(Contrast(base=c.other, other=c.base, factor=c.factor) for c in data.contrasts)}
    )
    for metric in ("execution", "gap", "dbdk", "explanation_length"):
        for forth, back in zip(
            rows(build(data), f"differences:{metric}"), rows(build(turned), f"differences:{metric}"), strict=True
        ):
            assert forth["difference"]["value"] == pytest.approx(-back["difference"]["value"])
            low, high = back["difference"]["interval"]
            assert forth["difference"]["interval"] == pytest.approx([-high, -low])
            assert forth["p"]["value"] == back["p"]["value"]


def test_transitions_add_up_to_both_arms(experiment):
    report = build(experiment(errors=0.05))
    moves = rows(report, "transitions:none:uniform3")
    counts = {row["configuration"]: row for row in rows(report, "quadrants")}
    for start, key in zip(moves, ("both", "proxy_only", "truth_only", "neither", "unscored"), strict=True):
        assert sum(value for end, value in start.items() if end != "from") == counts["baseline"][key]
        assert sum(row[key] for row in moves) == counts["uniform3"][key]


def test_partners_that_are_missing_are_counted(experiment):
    data = experiment()
    half = build(data.model_copy(update={"rows": {**data.rows, "ultra3": data.rows["ultra3"][:40]}}))
    row = rows(half, "differences:execution")[1]
    assert (row["difference"]["samples"], row["difference"]["unmatched"]) == (40, 30)
    assert row["base"]["n"] == row["other"]["n"] == 40


def test_an_unfinished_cell_is_named(experiment):
    data = experiment()
    cells = (*data.cells[:2], data.cells[2].model_copy(update={"state": "partial", "attempted": 40, "scored": 40}))
    report = build(data.model_copy(update={"cells": cells, "rows": {**data.rows, "ultra3": data.rows["ultra3"][:40]}}))
    assert "ultra3: 40 of 70 samples exist; its figures are of those." in report.sections[0].notes


def test_results_are_plain_json_and_reproducible(experiment):
    first, second = (json.dumps(to_json(build(experiment(runs=3)))) for _ in range(2))
    assert first == second


def test_the_mean_of_a_measure_of_zeros_and_ones_has_the_intervals_of_a_rate(experiment):
    data = experiment(families=3, items=4)

    def measured(cell, i):
        return {"whole_set": float(cell == "none" or i != 3)}

    arms = {
        cell: tuple(
            row._replace(verdict=row.verdict.model_copy(update={"measures": measured(cell, i)}))
            for i, row in enumerate(rows)
        )
        for cell, rows in data.rows.items()
    }
    axes = data.suites["goodhart7"].model_copy(update={"measures": {"whole_set": "whole set known"}})
    block = analyse(data.model_copy(update={"rows": arms, "suites": {"goodhart7": axes}}))[0]
    metric = next(one for one in block.metrics if one.key == "whole_set")
    for arm in block.arms:
        low, high = arm.estimate(metric).interval
        assert 0 <= low < high <= 1
    for pair in block.pairs:
        low, high = block.comparison(pair, metric).difference.interval
        assert -1 <= low < high <= 1
