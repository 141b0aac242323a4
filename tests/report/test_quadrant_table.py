"""The quadrant table, printed three ways from one computation."""

from __future__ import annotations

import io

from rich.console import Console

from harness.report.build import build
from harness.report.markdown import render_markdown
from harness.report.results import to_json
from harness.report.terminal import render_terminal


def table(report, key, section=0):
    return next(t for t in to_json(report)["sections"][section]["tables"] if t["key"] == key)


def test_every_sample_is_in_one_column(experiment):
    for row in table(build(experiment(errors=0.1)), "quadrants")["rows"]:
        parts = [row[key] for key in ("both", "proxy_only", "truth_only", "neither", "unscored")]
        assert sum(parts) == row["n"] == 70
        assert row["unscored"] > 0


def test_markdown_has_a_line_per_arm(experiment):
    text = render_markdown(build(experiment()))
    for arm in ("baseline", "uniform3", "ultra3"):
        assert f"| {arm} | 70 |" in text


def test_terminal_fits_100_columns(experiment):
    console = Console(width=100, record=True, file=io.StringIO())
    render_terminal(build(experiment()), console, full=True)
    text = console.export_text()
    assert "knows & does" in text
    assert max(map(len, text.splitlines())) <= 100
