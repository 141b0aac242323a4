"""The measured error of a verdict, and the rates corrected for it: which error is used, and what comes out."""

from __future__ import annotations

import pytest

from harness.contract import Confusion, GraderError, Labelling, Quadrant, Rate, Reading
from harness.report.build import build
from harness.report.corrections import Form, form_of
from harness.report.data import LabelledSample
from harness.report.results import to_json
from harness.stats import rogan_gladen

SHIPPED = GraderError(
    by_model={"small": Confusion(tp=40, fp=10, tn=90, fn=10), "large": Confusion(tp=80, fp=5, tn=40, fn=5)},
    kappa=0.9,
    kappa_interval=(0.85, 0.95),
    source="docs/labels",
)
Q = Quadrant


@pytest.fixture
def labelled(experiment, axes):
    """Report data whose proxy can be labelled; `error` ships with the suite, `labels` were given in the run."""

    def make(error=None, labels=(), model="m", **size):
        data = experiment(**size)
        labelling = Labelling(role="understanding", question="Is it right?", error=error)
        reading = Reading(name="explain", axis="proxy", title="t", label="l", labelling=labelling)
        cells = tuple(cell.model_copy(update={"model": model}) for cell in data.cells)
        suites = {"goodhart7": axes.model_copy(update={"readings": (reading,)})}
        return data.model_copy(update={"suites": suites, "labels": tuple(labels), "cells": cells})

    return make


def tables(data):
    section = to_json(build(data))["sections"][0]
    return {table["key"]: table["rows"] for table in section["tables"]}, " ".join(section["notes"])


def rates_of(rows, arm="baseline"):
    return {row["rate"]: row for row in rows if row["configuration"] == arm}


def test_without_labels_the_report_says_that_the_error_is_not_measured(labelled):
    found, notes = tables(labelled())
    assert not any(key.startswith(("error:", "corrected:")) for key in found)
    assert "How often “explain” errs is not measured here (no labels)" in notes


def test_the_suites_own_error_of_this_model_corrects_each_rate_of_the_verdict(labelled):
    data = labelled(SHIPPED, model="some/small")
    found, notes = tables(data)
    assert "not measured" not in notes
    assert [row["measured_on"] for row in found["error:explain"]] == ["small", "large", "all models"]
    assert found["error:explain"][0]["precision"]["k"] == 40
    rates = rates_of(found["corrected:explain"])
    assert set(rates) == {"understanding", "gap", "dbdk"}  # execution does not depend on the verdict
    assert {row["measured_on"] for row in rates.values()} == {"small"}
    outcomes = [row.verdict for row in data.rows["none"]]

    def truly(among):
        share = sum(one.proxy for one in among) / len(among)
        return rogan_gladen((share * 10**6, 10**6), (40, 50), (90, 100)).value

    doing, failing = [one for one in outcomes if one.truth], [one for one in outcomes if not one.truth]
    assert rates["understanding"]["corrected"]["value"] == pytest.approx(truly(outcomes))
    assert rates["dbdk"]["corrected"]["value"] == pytest.approx(1 - truly(doing))
    knowing = len(failing) * truly(failing), len(doing) * truly(doing)
    assert rates["gap"]["corrected"]["value"] == pytest.approx(knowing[0] / sum(knowing))
    for row in rates.values():
        low, high = row["corrected"]["interval"]
        assert low <= row["corrected"]["value"] <= high


def test_a_model_apart_is_no_evidence_about_another():
    apart = SHIPPED.model_copy(update={"apart": ("small",)})
    assert (apart.pooled, apart.pooled_over) == (SHIPPED.by_model["large"], "all models but small")
    assert SHIPPED.pooled_over == "all models"


def test_another_model_is_corrected_by_the_pooled_error(labelled):
    found, _ = tables(labelled(SHIPPED, model="other"))
    assert {row["measured_on"] for row in found["corrected:explain"]} == {"all models"}
    assert found["corrected:explain"][0]["corrected"]["error"] == SHIPPED.pooled.model_dump()


def given(data, cell, number):
    """Labels of the first samples of a cell: the verdict is right, but for every fifth."""
    return [
        LabelledSample(
            cell=cell,
            item=row.item,
            repeat=row.repeat,
            reading="explain",
            text=f"{cell}/{row.item}",
            label=row.verdict.proxy ^ (i % 5 == 0),
        )
        for i, row in enumerate(data.rows[cell][:number])
    ]


def test_an_arm_with_labels_of_its_own_is_corrected_by_them_and_the_others_by_all(labelled):
    data = labelled()
    found, _ = tables(labelled(SHIPPED, given(data, "none", 60) + given(data, "ultra3", 5)))
    where = {row["configuration"]: row["measured_on"] for row in found["corrected:explain"]}
    assert where == {"baseline": "this run, baseline", "uniform3": "this run, all", "ultra3": "this run, all"}
    rows = data.rows["none"]
    labels = {(one.item, one.repeat): one.label for one in given(data, "none", 60)}
    pairs = [(row.verdict.proxy, labels[row.item, row.repeat]) for row in rows if (row.item, row.repeat) in labels]
    passed = sum(row.verdict.proxy for row in rows) / len(rows)
    share = {verdict: [label for one, label in pairs if one is verdict] for verdict in (True, False)}
    expected = passed * sum(share[True]) / len(share[True]) + (1 - passed) * sum(share[False]) / len(share[False])
    corrected = rates_of(found["corrected:explain"])["understanding"]["corrected"]
    assert corrected["value"] == pytest.approx(expected)


def test_an_error_too_large_to_correct_for_is_told(labelled):
    useless = GraderError(by_model={"m": Confusion(tp=2, fp=10, tn=21, fn=2)})
    data = labelled(useless)
    rows = {table.key: table for table in build(data).sections[0].tables}["corrected:explain"].rows
    assert all("no correction" in row[3].text for row in rows)


def test_an_error_measured_under_other_parameters_is_void(axes):
    error = SHIPPED.model_copy(update={"under": {"grader": ("strict",)}})
    labelling = Labelling(role="understanding", question="?", error=error)
    reading = Reading(name="explain", axis="proxy", title="t", label="l", labelling=labelling)
    held = axes.model_copy(update={"readings": (reading,)})
    assert held.holding_under({"grader": "strict"}).readings[0].labelling.error == error
    assert held.holding_under({"grader": "published"}).readings[0].labelling.error is None


def test_the_forms_of_rates():
    def rate(numerator, denominator=frozenset(Q)):
        return Rate(name="r", title="r", numerator=frozenset(numerator), denominator=frozenset(denominator))

    passed, done = {Q.BOTH, Q.PROXY_ONLY}, {Q.BOTH, Q.TRUTH_ONLY}
    assert form_of(rate(passed), "proxy") == Form()
    assert form_of(rate(done), "proxy") is None
    assert form_of(rate({Q.TRUTH_ONLY}, done), "proxy") == Form("share", False, (True,))
    assert form_of(rate({Q.PROXY_ONLY}, passed), "proxy") == Form("part", True, (True, False), False)
    assert form_of(rate({Q.PROXY_ONLY}), "proxy") == Form("joint", True, (True, False), False)
    assert form_of(rate({Q.PROXY_ONLY}), "truth") == Form("joint", False, (True, False), True)
    assert form_of(rate({Q.PROXY_ONLY}, passed), "truth") == Form("share", False, (True,))


def test_rates_under_a_reading_that_does_not_lead_are_corrected_too(labelled):
    data = labelled(SHIPPED)
    (explain,) = data.suites["goodhart7"].readings
    choose = Reading(name="choose", axis="proxy", title="t", label="l")
    axes = data.suites["goodhart7"].model_copy(update={"readings": (choose, explain)})
    rows = {
        cell: tuple(
            row._replace(verdict=row.verdict.model_copy(update={"measures": {"explain": float(i % 2)}}))
            for i, row in enumerate(of_cell)
        )
        for cell, of_cell in data.rows.items()
    }
    found, _ = tables(data.model_copy(update={"rows": rows, "suites": {"goodhart7": axes}}))
    understanding = rates_of(found["corrected:explain"])["understanding"]
    assert (understanding["raw"]["k"], understanding["raw"]["n"]) == (35, 70)
    pooled = SHIPPED.pooled
    expected = rogan_gladen((35 * 10**6, 70 * 10**6), pooled.recall, pooled.specificity).value
    assert understanding["corrected"]["value"] == pytest.approx(expected)


def test_a_reply_that_two_arms_share_is_one_label(labelled):
    data = labelled()
    labels = given(data, "none", 9)
    same = [one.model_copy(update={"cell": "ultra3"}) for one in labels]  # its verdicts may differ: its samples do
    found, notes = tables(labelled(labels=[*labels, *same]))
    assert {row["measured_on"]: sum(row["labels"].values()) for row in found["error:explain"]} == {
        "this run, baseline": 9,
        "this run, ultra3": 9,
        "this run, all": 9,
    }
    assert "9 labels, 10 are needed" in notes
