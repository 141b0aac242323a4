"""Curves: the numbers that are drawn are the report's, where they are drawn, and what is told of them."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from harness.report.analysis import analyse
from harness.report.curves.by_size import size_chart
from harness.report.curves.data import Chart, Line, Panel, Point
from harness.report.curves.svg import Scales, chart_file, ticks
from harness.report.data import CellSummary
from harness.store.run import CompressionFacts


@pytest.fixture(scope="module")
def chart(run) -> Chart:
    blocks = analyse(run.data)
    return size_chart(blocks[0], blocks)


def test_points_are_the_arms_rates_against_their_bits(run, chart):
    execution = next(panel for panel in chart.panels if panel.title == "execution")
    [line] = execution.lines
    assert (line.name, [(point.name, point.x) for point in line.points]) == (
        "rtn",
        [("rtn2", 2.25), ("rtn3", 3.25), ("rtn4", 4.25)],
    )
    cell = next(cell for cell in run.data.cells if cell.compressor == "rtn3" and cell.suite == "goodhart7")
    truths = [row.verdict is not None and row.verdict.truth for row in run.data.rows[cell.id]]
    assert line.points[1].y == pytest.approx(sum(truths) / 560)
    assert line.points[1].interval.low < line.points[1].y < line.points[1].interval.high
    assert line.points[1].samples.arm == cell.id
    [level] = execution.levels
    assert level.name == "baseline"


def test_fidelity_stands_beside_with_its_own_interval_on_a_logarithmic_scale(chart):
    panel = chart.panels[-1]
    assert panel.title == "KL divergence"
    assert [point.y for point in panel.lines[0].points] == pytest.approx(
        [4.0 ** (2 - b) * 1.2 for b in (2.25, 3.25, 4.25)]
    )
    assert panel.lines[0].points[0].interval is not None
    scales = Scales.of(chart, panel)
    high, middle, low = (scales.y(point.y) for point in panel.lines[0].points)
    assert middle - high == pytest.approx(low - middle)  # equal factors are equal distances


def test_without_a_compressed_arm_there_is_no_curve(run):
    data = run.data.model_copy(
        update={"cells": tuple(cell for cell in run.data.cells if cell.compressor == "none"), "contrasts": ()}
    )
    blocks = analyse(data)
    assert size_chart(blocks[0], blocks) is None


def test_without_bits_the_bytes_are_the_abscissa_and_methods_are_lines_apart(run):
    def other(cell: CellSummary) -> CellSummary:
        facts = CompressionFacts(bytes=cell.compression.bytes)
        return cell.model_copy(
            update={"compression": facts, "method": "" if cell.compressor == "rtn3" else cell.method}
        )

    data = run.data.model_copy(update={"cells": tuple(map(other, run.data.cells))})
    blocks = analyse(data)
    found = size_chart(blocks[0], blocks)
    assert found.abscissa == "MB on disk"
    assert [(line.name, len(line.points)) for line in found.panels[0].lines] == [("rtn", 2), ("rtn3", 1)]


def test_the_file_is_whole_and_says_what_it_shows(chart):
    text = chart_file(chart)
    root = ElementTree.fromstring(text)
    assert root.get("aria-label").startswith("goodhart7 against size. understanding: baseline: ")
    titles = [title.text for title in root.iter("{http://www.w3.org/2000/svg}title")]
    assert sum(title.startswith("rtn3, 3.25 bits/weight") for title in titles) == 5
    assert not re.search(r"https?://(?!www\.w3\.org)", text)


def test_hostile_names_stay_text():
    name = "</title><script>1</script>"
    panel = Panel(name, "", True, (Line(name, 0, (Point(1, 0.5, None, name, name),)),))
    root = ElementTree.fromstring(chart_file(Chart("n", name, name, (panel,))))
    assert not list(root.iter("{http://www.w3.org/2000/svg}script"))


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (2, 4.5, [2, 2.5, 3, 3.5, 4, 4.5]),
        (0.5, 12.5, [2.5, 5, 7.5, 10, 12.5]),
        (0.011, 0.019, [0.012, 0.014, 0.016, 0.018]),
    ],
)
def test_ticks_are_round(low, high, expected):
    assert ticks(low, high, 5) == pytest.approx(expected)
