"""Several readings of one axis: their agreement, the rates under each, what changes its sign, and the controls."""

from __future__ import annotations

import random

import numpy as np
import pytest

from harness.contract import Axes, Control, Outcome, Reading
from harness.report.build import build
from harness.report.data import CellSummary, Contrast, ReportData, Row
from harness.report.markdown import render_markdown
from harness.report.results import to_json

CHOOSE, PROGRAM, WORKED, TERSE = (
    Reading(name=name, axis=axis, title=title, label=f"{name} is right")
    for name, axis, title in (
        ("choose", "proxy", "understanding by choosing"),
        ("program", "proxy", "understanding by programming"),
        ("worked", "truth", "execution worked out"),
        ("terse", "truth", "execution answered at once"),
    )
)
READINGS = (CHOOSE, PROGRAM, WORKED, TERSE)
SHARES = {"choose": 0.7, "program": 0.3, "worked": 0.5, "terse": 0.4}


def rows(seed: int, shares: dict[str, float], unread: int = 0) -> tuple[Row, ...]:
    """Forty items in ten sets; the first `unread` have no program."""
    dice, found = random.Random(seed), []
    for i in range(40):
        verdicts = {name: float(dice.random() < share) for name, share in shares.items()}
        outcome = Outcome(proxy=bool(verdicts["choose"]), truth=bool(verdicts["worked"]), measures=verdicts)
        if i < unread:
            del outcome.measures["program"]
        found.append(Row(item=f"i{i}", family=f"f{i % 2}", cluster=f"set{i // 8}", verdict=outcome))
    return tuple(found)


def report(axes: Axes, base: dict[str, float], other: dict[str, float], unread: int = 0):
    cells = [CellSummary(id=name, model="m", suite="s", compressor=name) for name in ("none", "rtn")]
    return build(
        ReportData(
            title="t",
            suites={"s": axes},
            controls={"s": (Control(name="blind", reading="choose", passes=0, of=24),)},
            cells=tuple(cells),
            rows={"none": rows(1, base, unread), "rtn": rows(2, other)},
            contrasts=(Contrast(base="none", other="rtn", factor="compressor"),),
        )
    )


def tables(found) -> dict[str, dict]:
    return {table["key"]: table for table in to_json(found)["sections"][0]["tables"]}


@pytest.fixture
def several(axes: Axes) -> Axes:
    return axes.under(READINGS)


def test_the_title_names_what_leads_and_measures_name_every_verdict(several: Axes) -> None:
    found = tables(report(several, SHARES, SHARES))
    assert found["quadrants"]["title"].endswith("understanding by choosing, execution worked out")
    assert several.proxy == "choose is right"
    assert set(several.measures) >= {"choose", "program", "worked", "terse"}


def test_every_pair_of_readings_has_its_correlation_over_the_samples_that_both_read(several: Axes) -> None:
    agreement = tables(report(several, SHARES, SHARES, unread=4))["readings"]["rows"]
    assert len(agreement) == 2 * 6
    by_pair = {row["readings"]: row for row in agreement if row["configuration"] == "baseline"}
    assert by_pair["choose, program"]["agree"]["n"] == 36
    assert by_pair["choose, terse"]["agree"]["n"] == 40
    measured = [row.verdict.measures for row in rows(1, SHARES, 4) if "program" in row.verdict.measures]
    expected = np.corrcoef([m["choose"] for m in measured], [m["program"] for m in measured])[0, 1]
    assert by_pair["choose, program"]["phi"] == pytest.approx(expected)
    low, high = by_pair["choose, program"]["interval"]
    assert low < expected < high


def test_rates_are_given_under_each_reading_with_their_paired_difference(several: Axes) -> None:
    truths = tables(report(several, SHARES, SHARES))["readings:truth"]["rows"]
    worked, terse = (row for row in truths if row["configuration"] == "baseline")
    measured = [row.verdict.measures for row in rows(1, SHARES)]
    assert worked["execution"]["k"] == sum(m["worked"] for m in measured)
    assert terse["execution"]["k"] == sum(m["terse"] for m in measured)
    assert terse["gap"]["k"] == sum(m["choose"] > m["terse"] for m in measured)
    delta = terse["execution"]["difference"]["value"]
    assert delta == pytest.approx(terse["execution"]["value"] - worked["execution"]["value"])
    assert "difference" not in worked["execution"]


def test_a_sign_that_depends_on_the_reading_is_said_in_one_line(several: Axes) -> None:
    text = render_markdown(report(several, SHARES, SHARES | {"choose": 0.95, "program": 0.05}))
    (line,) = [line for line in text.splitlines() if "The sign depends on the reading" in line]
    assert "baseline: " in line
    assert "rtn vs baseline: " in line
    steady = {name: 1.0 if name in ("choose", "program") else 0.0 for name in SHARES}
    assert "The sign depends" not in render_markdown(report(several, steady, steady))


def test_one_reading_of_each_axis_needs_no_agreement_and_keeps_its_controls(axes: Axes) -> None:
    found = tables(report(axes.under([CHOOSE, WORKED]), SHARES, SHARES))
    assert not {"readings", "readings:proxy", "readings:truth"} & set(found)
    assert [row["holds"] for row in found["controls"]["rows"]] == [{"k": 0, "n": 24}]
    assert "controls" not in tables(report(axes.under([PROGRAM, WORKED]), SHARES, SHARES))
