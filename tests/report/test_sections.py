"""Scores suites, detectors, sizes, unscored samples, the trust footer, and text that must not become markup."""

from __future__ import annotations

import random

import pytest

from harness.contract import Confusion, Flag, Outcome, Quadrant, Scores
from harness.report.build import build
from harness.report.data import CellSummary, Contrast, DetectorRun, ExtraSection, FlagRow, ReportData, Row, TrustFooter
from harness.report.markdown import render_markdown
from harness.report.results import to_json


def tables(report, section):
    found = next(s for s in to_json(report)["sections"] if s["key"] == section)
    return {table["key"]: table["rows"] for table in found["tables"]}


@pytest.fixture
def perplexity() -> ReportData:
    """Thirty documents, one score each; the compressed model is worse by .5 on average."""
    dice, rows = random.Random(0), {"none": [], "rtn": []}
    for i in range(30):
        base = dice.gauss(4.0, 1.0)
        for cell, value in (("none", base), ("rtn", base + dice.gauss(0.5, 0.1))):
            rows[cell].append(
                Row(item=f"d{i}", family="text", cluster=f"d{i}", verdict=Scores(values={"nats_per_token": value}))
            )
    return ReportData(
        title="perplexity",
        suites={"perplexity": None},
        cells=tuple(
            CellSummary(id=c, model="m", suite="perplexity", compressor=c, planned=30, attempted=30, scored=30)
            for c in rows
        ),
        rows={cell: tuple(samples) for cell, samples in rows.items()},
        contrasts=(Contrast(base="none", other="rtn", factor="compressor"),),
    )


def test_scores_are_means_and_paired_differences(perplexity):
    found = tables(build(perplexity), "perplexity")
    assert "quadrants" not in found
    values = [row.verdict.values["nats_per_token"] for row in perplexity.rows["none"]]
    estimate = found["results"][0]["nats_per_token"]
    assert estimate["value"] == pytest.approx(sum(values) / 30)
    assert estimate["interval"][0] < estimate["value"] < estimate["interval"][1]
    difference = found["differences:nats_per_token"][0]
    low, high = difference["difference"]["interval"]
    assert low < 0.5 < high
    assert high - low < 0.15  # paired: the spread between documents is gone
    assert difference["p"]["value"] < 0.001


def test_detectors_against_the_oracle(experiment):
    data = experiment()
    flags = tuple(
        FlagRow(item=row.item, repeat=row.repeat, flag=Flag(score=0.9 if hit else 0.1, flagged=hit, abstained=i < 3))
        for i, row in enumerate(data.rows["uniform3"])
        for hit in [isinstance(row.verdict, Outcome) and row.verdict.quadrant is Quadrant.PROXY_ONLY]
    )
    silent = tuple(FlagRow(item=row.item, repeat=row.repeat, flag=Flag()) for row in data.rows["none"])
    runs = (
        DetectorRun(cell="uniform3", detector="perfect", flags=flags, used_in_training=True),
        DetectorRun(cell="none", detector="silent", flags=silent),
        DetectorRun(cell="none", detector="activations", not_applicable="the backend gives no activations"),
    )
    report = build(data.model_copy(update={"detectors": runs}))
    perfect, silent_row, absent = tables(report, "goodhart7")["detectors"]
    assert perfect["abstained"] == 3
    assert perfect["recall"]["value"] == 1
    assert perfect["recall"]["interval"][0] < 1
    assert perfect["false_alarms"]["k"] == 0
    assert perfect["auroc"] == 1
    gamed = [row for row in data.rows["none"] if row.verdict.quadrant is Quadrant.PROXY_ONLY]
    assert silent_row["recall"] == {"k": 0, "n": len(gamed), "inference": False}
    assert (silent_row["flagged"]["k"], silent_row["flagged"]["n"]) == (0, 70)
    assert absent["flagged"] == {"not_applicable": "the backend gives no activations"}
    text = render_markdown(report)
    assert "not applicable: the backend gives no activations" in text
    assert "perfect †" in text


def test_a_flagged_rate_is_corrected_for_the_detectors_measured_errors(experiment):
    data = experiment()
    rows = data.rows["none"]
    flags = tuple(
        FlagRow(item=row.item, repeat=row.repeat, flag=Flag(score=float(i % 4 == 0), flagged=i % 4 == 0))
        for i, row in enumerate(rows)
    )
    rates = Confusion(tp=80, fn=20, tn=90, fp=10)
    runs = (
        DetectorRun(cell="none", detector="measured", flags=flags, error_rates=rates),
        DetectorRun(cell="none", detector="unmeasured", flags=flags),
    )
    measured, unmeasured = tables(build(data.model_copy(update={"detectors": runs})), "goodhart7")["detectors"]
    flagged = measured["flagged"]["value"]
    assert measured["corrected"]["value"] == pytest.approx((flagged + 0.9 - 1) / (0.8 + 0.9 - 1))
    low, high = measured["corrected"]["interval"]
    assert low < measured["corrected"]["value"] < high
    assert unmeasured["corrected"] is None


def test_the_flagged_rest_is_told_by_the_suites_labels(experiment):
    data = experiment()
    rows = tuple(
        row._replace(verdict=row.verdict.model_copy(update={"label": "attempted" if i % 2 else "fair"}))
        for i, row in enumerate(data.rows["none"])
        if isinstance(row.verdict, Outcome)
    )
    rest = [row for row in rows if row.verdict.quadrant is not Quadrant.PROXY_ONLY]
    flags = tuple(FlagRow(item=row.item, repeat=row.repeat, flag=Flag(score=1, flagged=True)) for row in rows)
    runs = (DetectorRun(cell="none", detector="loud", flags=flags),)
    report = build(data.model_copy(update={"detectors": runs, "rows": {**data.rows, "none": rows}}))
    (table,) = (table for table in report.sections[0].tables if table.key == "detectors")
    attempted = sum(row.verdict.label == "attempted" for row in rest)
    note = next(note for note in table.notes if "of the rest it flagged" in note)
    assert f"{attempted} × attempted" in note
    assert f"{len(rest) - attempted} × fair" in note


def test_few_positives_carry_no_inference(experiment):
    data = experiment(families=2, items=10)
    flags = tuple(FlagRow(item=row.item, flag=Flag(flagged=True, score=1.0)) for row in data.rows["none"])
    report = build(data.model_copy(update={"detectors": (DetectorRun(cell="none", detector="loud", flags=flags),)}))
    table = next(t for t in report.sections[0].tables if t.key == "detectors")
    recall = [column.key for column in table.columns].index("recall")
    assert "no inference" in table.rows[0][recall].text
    assert table.rows[0][recall].value["n"] < 20


def test_unscored_samples_bound_every_rate(experiment):
    report = build(experiment(errors=0.2))
    found = tables(report, "goodhart7")
    for bounds, results in zip(found["bounds"], found["results"], strict=True):
        for metric in ("understanding", "execution", "gap", "dbdk"):
            low, high = bounds[metric]
            assert low <= results[metric]["value"] <= high
    assert "bounds" not in tables(build(experiment()), "goodhart7")


def test_sizes_stand_beside_scores(experiment):
    report = build(experiment())
    assert tables(report, "goodhart7")["results"][1]["size"]["bits_per_weight"] == 3.52
    assert tables(report, "run")["sizes"][2]["bytes"] == 2_100_000


def test_the_footer_says_what_was_not_recorded(experiment):
    footer = TrustFooter(
        planned=10,
        attempted=9,
        scored=8,
        excluded={"timeout": 1},
        temperature=0.0,
        command="harness run",
        notes=("pocket illustrates the harness, not language models.",),
    )
    report = build(experiment().model_copy(update={"footer": footer}))
    facts = {row["what"]: row["value"] for row in tables(report, "trust")["recorded"]}
    assert facts["samples"] == "10 planned, 9 attempted, 8 scored"
    assert facts["excluded"] == "timeout: 1"
    assert facts["temperature"] == 0.0
    text = render_markdown(report)
    assert "| isolation | not recorded |" in text
    assert "| temperature | 0.0 |" in text
    assert "> pocket illustrates the harness" in text


def test_a_plugin_adds_its_section(experiment):
    extra = ExtraSection(title="Training curves", markdown="Reward rose to **0.7**.")
    text = render_markdown(build(experiment().model_copy(update={"extra": (extra,)})))
    assert "## Training curves\n\nReward rose to **0.7**." in text


def test_error_text_stays_text(experiment):
    data = experiment()
    error = "bad | pipe <script>alert(1)</script>\nsecond *line*"
    cells = (data.cells[0].model_copy(update={"state": "failed", "error": error}), *data.cells[1:])
    text = render_markdown(build(data.model_copy(update={"cells": cells})))
    assert "<script>" not in text
    assert r"bad \| pipe &lt;script&gt;" in text
    assert r"second \*line\*" in text


def test_a_run_without_samples_says_why(experiment):
    data = experiment()
    error = "goodhart7 fails its own check"
    cells = tuple(
        cell.model_copy(update={"state": "failed", "error": error, "attempted": 0, "scored": 0}) for cell in data.cells
    )
    report = build(data.model_copy(update={"cells": cells, "rows": {}}))
    assert report.sections[0].tables == ()
    assert report.sections[0].notes == (f"baseline, uniform3, ultra3 have no samples: {error}",)
    assert [row["excluded"] for row in tables(report, "run")["exclusions"]] == [{"not run": 70}] * 3
