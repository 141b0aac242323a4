"""A gate says yes only where the bound of an interval does, and how many items would decide it."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from harness.contract import Outcome
from harness.errors import UsageError
from harness.report.build import build
from harness.report.data import CellSummary, Contrast, ReportData, Row
from harness.report.gate import exit_code, judge
from harness.report.gate_conditions import parse_condition
from harness.report.gate_files import as_junit, as_markdown
from harness.stats import items_needed, wilson


@pytest.fixture
def run(axes):
    """A base that is right on half of `items`, and an arm that loses some of those and gains others."""

    def make(items: int, lost: int, gained: int, attempted: int | None = None) -> ReportData:
        def rows(right):
            return tuple(
                Row(item=f"i{n}", family="f", cluster=f"i{n}", verdict=Outcome(proxy=True, truth=right(n)))
                for n in range(items)
            )

        half = items // 2
        cells = tuple(
            CellSummary(
                id=name,
                model="m",
                suite="s",
                compressor=name,
                planned=items,
                attempted=attempted or items,
                scored=items,
            )
            for name in ("none", "small")
        )
        return ReportData(
            title="t",
            suites={"s": axes},
            cells=cells,
            rows={"none": rows(lambda n: n < half), "small": rows(lambda n: lost <= n < half + gained)},
            contrasts=(Contrast(base="none", other="small", factor="compressor"),),
        )

    return make


def verdict(data: ReportData, condition: str):
    (one,) = judge(data, [condition])
    return one


def test_a_margin_is_kept_at_the_bound_and_not_at_the_estimate(run):
    data = run(400, lost=10, gained=6)  # −1 point; 16 of 400 changed: ± 2 points
    loose, tight = (verdict(data, f"s.execution >= base - {margin}") for margin in ("0.05", "1.5%"))
    assert loose.verdict == "pass"
    assert loose.value == pytest.approx(-0.01)
    assert tight.value > tight.condition.limit  # the estimate keeps it
    assert tight.verdict == "not enough items"
    assert tight.count == 400 < tight.needed
    assert verdict(data, "s.execution >= base - 0.005").verdict == "fail"
    assert exit_code([loose]) == 0
    assert exit_code([loose, tight]) == 3
    assert exit_code([loose, tight, verdict(data, "s.execution > base")]) == 1


def test_the_items_that_it_asks_for_would_do(run):
    asked = verdict(run(100, lost=3, gained=2), "s.execution >= base - 0.04")
    assert asked.verdict == "not enough items"
    assert 200 < asked.needed < 300
    more = run(300, lost=9, gained=6)
    assert verdict(more, "s.execution >= base - 0.04").verdict == "pass"


def test_where_nothing_changed_the_bound_is_that_of_no_change():
    low = -wilson(0, 50).high
    needed = items_needed(50, 0.0, low, -0.02, unvaried=True)
    assert wilson(0, needed).high <= 0.02 < wilson(0, needed - 2).high
    assert items_needed(50, -0.03, -0.1, -0.02) is None


def test_limits_of_an_arm_itself_and_few_items(run):
    data = run(400, lost=0, gained=0)
    assert verdict(data, "s.execution > 0.4").verdict == "pass"
    assert verdict(data, "s.execution > 0.6").verdict == "fail"
    assert verdict(data, "s.execution > 0.48").verdict == "not enough items"
    few = verdict(run(10, lost=5, gained=0), "s.execution >= base - 0.05")
    assert few.verdict == "not enough items"
    assert few.needed >= 20


def test_missing_samples_are_no_pass(run):
    one = verdict(run(400, 0, 0, attempted=390), "s.execution >= base - 0.05")
    assert one.verdict == "not enough items"
    assert one.cause == "small: 390 of 400 samples"


def test_over_seeds_the_seed_is_the_unit_and_seeds_are_asked_for(run):
    def over(seeds: int, lost: int, varied: bool = True) -> ReportData:
        parts = [run(100, lost=lost + varied * seed % 3, gained=lost and 1) for seed in range(seeds)]
        cells = [
            cell.model_copy(update={"id": f"{cell.id}{seed}", "seed": seed})
            for seed, part in enumerate(parts)
            for cell in part.cells
        ]
        rows = {f"{name}{seed}": rows for seed, part in enumerate(parts) for name, rows in part.rows.items()}
        pairs = tuple(Contrast(base=f"none{n}", other=f"small{n}", factor="compressor") for n in range(seeds))
        return parts[0].model_copy(update={"cells": tuple(cells), "rows": rows, "contrasts": pairs})

    kept = verdict(over(6, lost=1), "s.execution >= base - 0.05")
    assert (kept.arm, kept.verdict, kept.unit, kept.count) == ("small", "pass", "seed", 6)
    assert verdict(over(6, lost=9), "s.execution >= base - 0.05").verdict == "fail"
    few = verdict(over(3, lost=2), "s.execution >= base - 0.03")
    assert few.verdict == "not enough items"
    assert few.described.startswith("not enough seeds: 3 seeds; about ")
    alike = verdict(over(2, lost=0, varied=False), "s.execution >= base - 0.02")
    assert (alike.verdict, alike.unit, alike.count) == (
        "not enough items",
        "item",
        100,
    )  # no seed differs: [0, 0] is no proof
    assert alike.interval.low == pytest.approx(-wilson(0, 100).high)
    headline = next(table for table in build(over(6, lost=9)).sections[0].tables if table.key == "headline")
    assert [row[0].text for row in headline.rows] == ["baseline", "small"]
    assert headline.rows[1][-1].text == "worse"


@pytest.mark.parametrize(
    ("text", "limit", "relative"),
    [
        ("s.a>=base-.05", -0.05, True),
        ("s.a < base + 5 %", 0.05, True),
        ("s.a <= base", 0, True),
        ("s.a > 1e-3", 0.001, False),
    ],
)
def test_conditions_are_read(text, limit, relative):
    found = parse_condition(text, ["s"])
    assert (found.suite, found.measure, found.limit, found.relative) == ("s", "a", pytest.approx(limit), relative)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s.a",
        "s.a > ",
        "s.a > base 5",
        "s.a > x",
        "s.a == 1",
        "s.a > 1 or 2",
        "__import__('os')",
        "a > 1",
        "s.a > 1-2",
    ],
)
def test_what_is_no_condition_is_refused(text):
    with pytest.raises(UsageError):
        parse_condition(text, ["s"])


def test_a_suite_whose_name_has_dots_is_found():
    assert parse_condition("perplexity:a.txt.bits > 1", ["perplexity", "perplexity:a.txt"]).suite == "perplexity:a.txt"


def test_measures_have_all_their_names_and_unknown_ones_are_listed(run):
    data = run(400, 0, 0)
    titles = {verdict(data, f"s.{name} < 1.1").metric.key for name in ("dbdk", "DBDK rate", "dbdk-rate", "DBDK")}
    assert titles == {"dbdk"}
    with pytest.raises(UsageError, match=r"has no measure 'hack' .one of understanding, execution, gap"):
        judge(data, ["s.hack < 1"])
    with pytest.raises(UsageError, match=r"no arm is called 'tiny' .one of baseline, small"):
        judge(data, ["s.dbdk < 1"], ["tiny"])


def test_other_programs_read_the_verdicts(run):
    judged = judge(
        run(400, lost=10, gained=6), ["s.execution >= base - 0.05", "s.execution > base", "s.gap < base + 2%"]
    )
    root = ElementTree.fromstring(as_junit(judged, "r"))
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("3", "1", "1")
    assert [case.get("classname") for case in root.iter("testcase")] == ["small"] * 3
    assert "| s.execution &gt; base | small | −1.0 pp" in as_markdown(judged, "r")
