"""The trajectory plot: what is drawn, what is named, and where it ends up."""

from __future__ import annotations

import itertools
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from test_training import LEVEL, SEEDS, experiment, rows

from harness.report.analysis import cell_blocks
from harness.report.build import build
from harness.report.markdown import render_markdown
from harness.report.page.render import render_html
from harness.report.training.plot import GAP, spread_labels, to_png, to_svg, trajectories


@pytest.fixture(scope="module")
def figure():
    training = next(iter(cell_blocks(experiment({"vanilla": SEEDS})))).training
    return trajectories(training, "a title")


def thick_lines(panel):
    return [line for line in panel.lines if line.get_linewidth() == 2.0]


def test_every_arm_has_a_panel_with_its_seeds_thin_and_their_mean_thick(figure):
    assert [panel.get_title(loc="left") for panel in figure.axes] == list(LEVEL)
    for panel, trainer in zip(figure.axes, LEVEL, strict=True):
        hack, solve = thick_lines(panel)
        expected = np.mean([[row["hack"] for row in rows(trainer, seed)] for seed in SEEDS], axis=0)
        assert hack.get_ydata() == pytest.approx(100 * expected)
        assert len(hack.get_xdata()) == len(solve.get_xdata()) == 12
        assert sum(line.get_linewidth() == 0.6 for line in panel.lines) == 2 * len(SEEDS)


def test_lines_bear_their_names_and_last_values(figure):
    for panel, trainer in zip(figure.axes, LEVEL, strict=True):
        texts = " ".join(text.get_text() for text in panel.texts)
        last = np.mean([[row["hack"] for row in rows(trainer, seed)[-5:]] for seed in SEEDS])
        assert f"hack {100 * last:.0f} %" in texts
        assert re.search(r"solve \d+ %", texts)


def test_the_base_stands_behind_the_arms_that_are_compared_with_it(figure):
    dashed = [sum(line.get_linestyle() == "--" for line in panel.lines) for panel in figure.axes]
    assert dashed == [0, 2, 2]
    assert "dashed: vanilla" in figure.axes[1].texts[-1].get_text()


def test_names_at_the_end_of_a_panel_keep_apart():
    for heights in ([50, 50], [52, 50], [10, 90], [50, 51]):
        placed = spread_labels(heights)
        assert all(abs(a - b) >= GAP - 1e-9 for a, b in itertools.combinations(placed, 2))
        assert (placed[0] >= placed[1]) == (heights[0] > heights[1])
    assert spread_labels([10, 90]) == [10, 90]


def test_both_files_are_whole(figure):
    assert ElementTree.fromstring(to_svg(figure)).tag.endswith("svg")
    assert to_svg(figure) == to_svg(figure)  # nothing of the clock in it
    assert to_png(figure).startswith(b"\x89PNG")


def test_the_report_shows_the_plot(figure):
    report = build(experiment({"vanilla": SEEDS}), plots=True)
    (picture,) = report.sections[0].pictures
    assert picture.name == "trajectories-s"
    assert "erase: hack from 0 % to" in picture.alt
    assert f"]({picture.name}.svg)" in render_markdown(report)
    page = render_html(report)
    assert page.count('<img alt="s · training m') == 1
    assert page.count('<svg class="panel"') == len(report.sections[0].charts[0].panels) == 2
    assert "<?xml" not in page
    assert not build(experiment({"vanilla": SEEDS})).sections[0].pictures


def test_no_finished_run_is_no_plot():
    data = experiment({"vanilla": range(41, 42)})
    cut = tuple(run.model_copy(update={"rows": run.rows[:2]}) for run in data.training)
    report = build(data.model_copy(update={"training": cut}), plots=True)
    assert not report.sections[0].pictures


def test_the_base_is_averaged_over_the_arms_own_seeds():
    training = next(iter(cell_blocks(experiment({"vanilla": SEEDS, "erase": range(42, 45)})))).training
    panel = trajectories(training, "t").axes[1]
    dashed = next(line for line in panel.lines if line.get_linestyle() == "--")
    expected = np.mean([[row["hack"] for row in rows("vanilla", seed)] for seed in range(42, 45)], axis=0)
    assert dashed.get_ydata() == pytest.approx(100 * expected)
    apart = next(iter(cell_blocks(experiment({"vanilla": SEEDS, "erase": range(43, 49)})))).training
    assert not any(line.get_linestyle() == "--" for line in trajectories(apart, "t").axes[1].lines)
