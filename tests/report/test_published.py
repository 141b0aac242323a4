"""Golden: the published experiments' published tables come out of the same table code, number for number."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from harness.errors import UsageError
from harness.report.build import build
from harness.report.markdown import render_markdown
from harness.report.published import load_published, published_data
from harness.report.results import to_json
from harness.report.terminal import render_terminal
from harness_plugins.tasks.goodhart.spec import AXES

FILE = Path(__file__).parents[2] / "plugins" / "tasks" / "goodhart" / "published.toml"
SEVEN, HUNDRED = 0, 1  # sections, in the file's order


@pytest.fixture
def report():
    return build(published_data("published", FILE, {"goodhart7": AXES, "goodhart20": AXES}))


def rows(report, section, key):
    tables = to_json(report)["sections"][section]["tables"]
    return next(table for table in tables if table["key"] == key)["rows"]


def texts(report, section, key):
    """Printed first two lines of each cell: value and counts."""
    table = next(table for table in report.sections[section].tables if table.key == key)
    return {row[0].text: [cell.text.split("\n") for cell in row[1:]] for row in table.rows}


@pytest.mark.parametrize(
    ("label", "understanding", "execution", "gaps"),
    [
        ("baseline", "5/7", "3/7", 4),
        ("3-bit uniform", "0/7", "1/7", 0),
        ("3-bit ultra", "4/7", "4/7", 1),
        ("4-bit uniform", "5/7", "2/7", 5),
        ("4-bit ultra", "5/7", "2/7", 3),
    ],
)
def test_seven_tasks_as_published(report, label, understanding, execution, gaps):
    printed = texts(report, SEVEN, "results")[label]
    assert [printed[0][1], printed[1][1]] == [understanding, execution]
    counts = {row["configuration"]: row for row in rows(report, SEVEN, "quadrants")}[label]
    assert counts["proxy_only"] == gaps
    assert counts["n"] == counts["both"] + counts["proxy_only"] + counts["truth_only"] + counts["neither"] == 7


@pytest.mark.parametrize(
    ("label", "rate", "counts", "gaps", "length"),
    [
        ("baseline", "35.8 %", "24/67", 27, "521.9"),
        ("4-bit uniform", "35.3 %", "24/68", 23, "520.6"),
        ("4-bit selective", "38.7 %", "24/62", 29, "522.1"),
    ],
)
def test_hundred_samples_as_published(report, label, rate, counts, gaps, length):
    printed = texts(report, HUNDRED, "results")[label]
    assert printed[3][:2] == [rate, counts]
    assert printed[4][0] == length
    assert {row["configuration"]: row for row in rows(report, HUNDRED, "quadrants")}[label]["proxy_only"] == gaps


def test_the_risen_rate_shows_its_denominator(report):
    selective = rows(report, HUNDRED, "differences:dbdk")[1]
    assert selective["moved"] == {"numerator": 0, "denominator": -5}
    assert selective["difference"]["value"] == pytest.approx(24 / 62 - 24 / 67)


@pytest.mark.parametrize("section", [SEVEN, HUNDRED])
def test_nothing_is_paired_without_item_links(report, section):
    differences = [table for table in report.sections[section].tables if table.key.startswith("differences:")]
    assert differences
    for table in differences:
        for row in table.rows:
            cells = dict(zip((column.key for column in table.columns), row, strict=True))
            assert cells["difference"].text.endswith("not available")
            assert cells["p"].text == cells["adjusted"].text == "not available"
            assert cells["difference"].value["interval"] is None


def test_seven_items_carry_no_inference(report):
    text = render_markdown(report)
    assert "n = 7 items carries no inference" in text
    assert "n = 20 items carries no inference" not in text
    console = Console(width=100, record=True, file=io.StringIO())
    render_terminal(report, console)
    assert "n = 7 items carries no inference" in console.export_text()


def test_repeats_of_an_item_do_not_narrow_a_published_interval(report):
    baseline = rows(report, HUNDRED, "results")[0]["understanding"]
    assert (baseline["k"], baseline["n"], baseline["units"]) == (70, 100, 20)
    low, high = baseline["interval"]
    assert high - low > 0.35  # Wilson of 14/20; 70/100 would be half as wide


def test_a_malformed_file_is_one_line(tmp_path):
    path = tmp_path / "wrong.toml"
    path.write_text('[[experiment]]\nsuite = "goodhart7"\n')
    with pytest.raises(UsageError, match=r"wrong\.toml"):
        load_published(path)
    with pytest.raises(UsageError, match="cannot read"):
        load_published(tmp_path / "absent.toml")
    with pytest.raises(UsageError, match="goodhart20"):
        published_data("published", FILE, {"goodhart7": AXES})
