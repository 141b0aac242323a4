"""The HTML page: complete, offline, and safe against what models write."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest

from harness.report.build import build
from harness.report.data import SampleText, Turn
from harness.report.html import MAX_SAMPLES, render_html
from harness.report.html_assets import SCRIPT


class Page(HTMLParser):
    """Tables, tags left open, and whatever would load something."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tables = 0
        self.loads: list[tuple[str, str | None]] = []
        self.sort_keys: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "input"):
            self.open.append(tag)
        self.tables += tag == "table"
        self.loads += [(tag, value) for name, value in attrs if name in ("src", "href")]
        self.sort_keys += [value for name, value in attrs if name == "data-sort"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def parse(text: str) -> Page:
    page = Page()
    page.feed(text)
    page.close()
    return page


def samples(data, reply="12 apples"):
    turns = (Turn(role="execution", prompt="How many?", reply=reply),)
    return tuple(
        SampleText(cell=cell, item=row.item, family=row.family, outcome="both", turns=turns)
        for cell, rows in data.rows.items()
        for row in rows
    )


def test_every_table_is_there_and_nothing_is_loaded(experiment):
    data = experiment(errors=0.05)
    report = build(data)
    page = parse(render_html(report, samples(data)))
    assert page.tables == sum(len(section.tables) for section in report.sections)
    assert page.open == page.loads == []
    assert "70" in page.sort_keys


def test_replies_stay_text(experiment):
    data = experiment(families=2)
    evil = "</script><img src=x onerror=alert(1)>"
    text = render_html(build(data.model_copy(update={"title": evil})), samples(data, evil), {"none": "baseline"})
    page = parse(text)
    assert page.loads == page.open == []
    embedded = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    stored = json.loads(embedded.group(1))
    assert stored[0]["turns"][0]["reply"] == evil
    assert stored[0]["cell"] == "baseline"


def test_a_cut_list_says_so(experiment):
    data = experiment(families=2)
    many = samples(data) * (MAX_SAMPLES // len(samples(data)) + 1)
    assert f"The first {MAX_SAMPLES} of {len(many)} samples" in render_html(build(data), many)
    assert "The first" not in render_html(build(data), samples(data))


@pytest.mark.skipif(shutil.which("node") is None, reason="no node to run the page's script")
def test_the_script_sorts_by_numbers_with_blanks_last():
    """The page's own comparison, run outside a browser: 9 before 10, blanks at the end."""
    order = next(line for line in SCRIPT.splitlines() if line.startswith("const order"))
    code = f"{order}\nconsole.log(JSON.stringify([10, '', 9, 71.4].sort(order)))"
    out = subprocess.run(["node", "-e", code], capture_output=True, text=True, check=True).stdout
    assert json.loads(out) == [9, 10, 71.4, ""]
    subprocess.run(["node", "--check", "-"], input=SCRIPT, text=True, check=True, capture_output=True)
