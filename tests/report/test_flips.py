"""Flips: what a rate that stands still hides."""

from __future__ import annotations

import pytest

from harness.contract import Outcome
from harness.report.build import build
from harness.report.data import CellSummary, Contrast, ReportData, Row
from harness.report.results import to_json


def sample(number: int, right: bool, answer: str) -> Row:
    verdict = Outcome(proxy=True, truth=right, parsed={"answer": answer})
    return Row(item=f"i{number}", family="f", cluster=f"c{number}", verdict=verdict)


def flips(axes, base: list[tuple[bool, str]], other: list[tuple[bool, str]]) -> list[dict]:
    rows = {name: tuple(sample(i, *s) for i, s in enumerate(arm)) for name, arm in (("none", base), ("rtn", other))}
    data = ReportData(
        title="flips",
        suites={"s": axes},
        cells=tuple(
            CellSummary(id=c, model="m", suite="s", compressor=c, planned=len(r), attempted=len(r), scored=len(r))
            for c, r in rows.items()
        ),
        rows=rows,
        contrasts=(Contrast(base="none", other="rtn", factor="compressor"),),
    )
    sections = {section["key"]: section for section in to_json(build(data))["sections"]}
    return next(table["rows"] for table in sections["s"]["tables"] if table["key"] == "flips")


def test_an_equal_rate_can_hide_a_third_of_the_items(axes):
    base = [(True, "1")] * 20 + [(False, "2")] * 10
    other = [(True, "1")] * 15 + [(False, "3")] * 5 + [(True, "1")] * 5 + [(False, "2")] * 3 + [(False, "4")] * 2
    [row] = flips(axes.model_copy(update={"answer": "answer"}), base, other)
    assert (row["n"], row["lost"], row["gained"], row["net"], row["other_wrong"]) == (30, 5, 5, 0.0, 2)
    assert row["churn"]["value"] == pytest.approx(1 / 3)
    low, high = row["churn"]["interval"]
    assert low < 1 / 3 < high


def test_without_an_answer_there_is_no_other_wrong(axes):
    [row] = flips(axes, [(True, "1")] * 3, [(False, "2")] * 3)
    assert "other_wrong" not in row
    assert (row["lost"], row["gained"], row["net"]) == (3, 0, -1.0)
