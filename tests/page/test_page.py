"""The page as a file: complete, offline, and safe against what models write."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest

from harness.report.build import build
from harness.report.collect import texts
from harness.report.page.pack import PER_CHUNK, Texts, pack
from harness.report.page.render import Stored, asset, render_html
from harness.report.transcripts import free_texts
from harness.store.run import RunStore


class Page(HTMLParser):
    """Tables, tags left open, scripts and styles, and whatever would load something."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tables = 0
        self.loads: list[tuple[str, str | None]] = []
        self.attributes: set[str] = set()
        self.sort_keys: list[str] = []
        self.policy = ""
        self.code: list[tuple[str, str]] = []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if tag not in ("meta", "input", "img"):
            self.open.append(tag)
        self.tables += tag == "table"
        self.loads += [
            (tag, value) for name, value in attrs if name in ("src", "href") and not value.startswith(("#", "data:"))
        ]
        self.attributes |= set(found)
        self.sort_keys += [found["data-sort"]] if "data-sort" in found else []
        self.policy = found["content"] if found.get("http-equiv") == "Content-Security-Policy" else self.policy
        if tag in ("script", "style") and "type" not in found:
            self.code.append((tag, ""))

    def handle_data(self, data):
        if self.code and self.open and self.open[-1] == self.code[-1][0]:
            self.code[-1] = (self.open[-1], self.code[-1][1] + data)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def parse(text: str) -> Page:
    page = Page()
    page.feed(text)
    page.close()
    return page


def unpacked(chunk: str):
    return json.loads(gzip.decompress(base64.b64decode(chunk)))


def test_every_table_is_there_and_nothing_is_loaded(run):
    page = parse(run.page.read_text())
    assert page.tables == sum(len(section.tables) for section in run.report.sections)
    assert page.open == page.loads == []
    assert "560" in page.sort_keys


def test_the_policy_allows_this_script_and_this_style_alone(run):
    page = parse(run.page.read_text())
    assert [tag for tag, _ in page.code] == ["style", "script"]
    for tag, code in page.code:
        digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}';" in page.policy
    assert "default-src 'none'" in page.policy
    assert "unsafe" not in page.policy
    assert not {"style", "onclick", "onload", "onerror"} & page.attributes


def test_titles_and_notes_stay_text(run):
    evil = "</title></script><img src=http://x onerror=alert(1)>"
    section = run.report.sections[0].__class__("k", evil, (), evil, (evil,))
    page = parse(render_html(run.report.__class__(evil, (section,), (evil,))))
    assert page.loads == page.open == []


def test_every_sample_comes_back_from_the_chunks(run):
    chunks: dict[int, str] = {}
    store = RunStore(run.folder)
    index = unpacked(pack(run.data, lambda cell: texts(store, cell), chunks.__setitem__))
    assert [arm[:3] for arm in index["arms"][:4]] == [
        ["goodhart7", "baseline", -1],
        ["goodhart7", "rtn4", 0],
        ["goodhart7", "rtn3", 0],
        ["goodhart7", "rtn2", 0],
    ]
    assert index["chunks"] == len(chunks) == 4 * 3 + 3 + 4 + 1  # replies of 560 by 250, their prompts once, fidelity's
    cell = next(cell for cell in run.data.cells if cell.compressor == "rtn3" and cell.suite == "goodhart7")
    _, _, _, first, count, replies, prompts = index["arms"][2]
    said, rows = texts(store, cell.id), run.data.rows[cell.id]
    assert count == len(rows) == 560
    for at in (17, 300, 559):
        held = unpacked(chunks[replies + at // PER_CHUNK])[at % PER_CHUNK]
        item = index["columns"]["item"][first + at]
        name, family = index["items"][item]
        assert (name, index["families"][family]) == (rows[at].item, rows[at].family)
        asked = unpacked(chunks[prompts + item // PER_CHUNK])[str(item)]
        assert dict(asked) == said.prompts[name]
        assert held[0][0] == said.replies[name, 0]["execution"]
        assert held[0][2] == [-1.5, -2.25]  # scored, not said
        outcome = index["outcomes"][index["columns"]["outcome"][first + at]]
        assert outcome == (rows[at].verdict.quadrant if rows[at].verdict else "unscored")


def test_arms_that_were_asked_otherwise_keep_their_own_prompts(run):
    chunks: dict[int, str] = {}
    item = run.data.rows[run.data.cells[0].id][0].item
    index = unpacked(pack(run.data, lambda cell: Texts({item: {"execution": f"{'rtn2' in cell}"}}), chunks.__setitem__))
    asked = {arm[1]: unpacked(chunks[arm[6]])["0"][0][1] for arm in index["arms"][:4]}
    assert asked == {"baseline": "False", "rtn4": "False", "rtn3": "False", "rtn2": "True"}


def test_counts_are_links_only_where_samples_are(run):
    assert "#samples?" in run.page.read_text()
    assert "#samples?" not in render_html(build(run.data))


def test_what_to_read_first_leads_to_its_samples(run):
    store = RunStore(run.folder)
    report = build(run.data, replies_of=lambda cell: free_texts(store, cell))
    assert [section.key for section in report.sections if any(table.key == "review" for table in section.tables)] == [
        "goodhart7"
    ], "fidelity has likelihoods alone"
    page = render_html(report, run.data, Stored(""))
    (table,) = (table for table in report.sections[0].tables if table.key == "review")
    arms = {cell.id: cell for cell in run.data.cells}
    for row in table.rows:
        where = row[3].value
        arm = arms[where["cell"]]
        name = "baseline" if arm.compressor == "none" else arm.compressor
        assert row[1].text == arm.compressor
        assert where["item"] in {sample.item for sample in run.data.rows[arm.id]}
        assert f'<a href="#goodhart7/{where["item"].replace("/", "%2F")}/0/{name}">{where["item"]}</a>' in page


@pytest.mark.skipif(shutil.which("node") is None, reason="no node to run the page's script")
def test_the_script_compares_words_and_sorts_by_numbers():
    """Functions of the script, run outside a browser: 9 before 10, blanks at the end; words apart from their order."""
    script = asset("page.js")
    order = re.search(r"^const order.*$", script, re.MULTILINE)[0]
    words = re.search(r"^function words.*?^}$", script, re.MULTILINE | re.DOTALL)[0]
    marked = "const marked = (a, b) => words(a, b).filter(([, same]) => !same).map(([word]) => word)"
    code = f"""{order}\n{words}\n{marked}
    console.log(JSON.stringify([[10, '', 9, 71.4].sort(order), marked('a b c d', 'a c d e'), marked('b a', 'a b'),
      marked('', 'x'), marked('same  words', 'same words'), marked('x x y', 'x y')]))"""
    out = subprocess.run(["node", "-e", code], capture_output=True, text=True, check=True).stdout
    assert json.loads(out) == [[9, 10, 71.4, ""], ["b"], ["b"], [], [], ["x"]]
    subprocess.run(["node", "--check", "-"], input=script, text=True, check=True, capture_output=True)
