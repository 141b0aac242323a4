"""`render_html`: the report as one HTML file that loads nothing.

`page.html.jinja` is its skeleton, `page.css` and `page.js` are put into it whole. A content policy allows exactly these two, by
their hashes: whatever a model wrote, no other script or style can act, and nothing can be fetched.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from urllib.parse import quote, urlencode

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup
from pydantic import JsonValue

from harness.errors import shown
from harness.report.curves.data import Chart
from harness.report.curves.svg import SERIES, panel_svg
from harness.report.curves.svg import style as plot_style
from harness.report.data import ReportData
from harness.report.page.pack import arm_names
from harness.report.table import Cell, Picture, Report, Samples, Section, Table

LEAD = "headline"  # the table that stands above the curves


@dataclass(frozen=True)
class Stored:
    """Packed samples: the index, and the chunks or the folder beside the page that holds them."""

    index: str
    chunks: Mapping[int, str] = field(default_factory=dict)
    folder: str = ""


def render_html(report: Report, data: ReportData | None = None, samples: Stored | None = None) -> str:
    """Counts are links where `data` names their arms and `samples` are there."""
    address = Address(data) if data and samples else lambda _: None
    css, script = plot_style() + asset("page.css"), asset("page.js")
    html = (
        environment()
        .get_template("page.html.jinja")
        .render(
            report=report,
            sections=[view(section) for section in report.sections],
            samples=samples,
            style=Markup(css),
            script=Markup(script),
            policy=policy(css, script, beside=bool(samples and samples.folder)),
            address=address,
            panel=lambda chart, panel: Markup(panel_svg(chart, panel, address)),
            colours=SERIES,
        )
    )
    return shown(html)


@cache
def asset(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")


@cache
def environment() -> Environment:
    made = Environment(
        loader=DictLoader({"page.html.jinja": asset("page.html.jinja")}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"sort_key": sort_key, "source": source, "slug": slug, "lines": lines}
    return made


def policy(style: str, script: str, beside: bool) -> str:
    """With texts beside the page, its script may load their files (`strict-dynamic`); they hold base64 alone."""
    scripts = f"'sha256-{digest(script)}'" + (" 'strict-dynamic'" if beside else "")
    allowed = {
        "default-src": "'none'",
        "style-src": f"'sha256-{digest(style)}'",
        "script-src": scripts,
        "img-src": "data:",
    }
    closed = {"base-uri": "'none'", "form-action": "'none'"}
    return "; ".join(f"{what} {where}" for what, where in (allowed | closed).items())


def digest(text: str) -> str:
    return b64encode(hashlib.sha256(text.encode()).digest()).decode()


class Address:
    """Where the page lists some samples; None for an arm that it has not."""

    def __init__(self, data: ReportData) -> None:
        names = arm_names(data.cells)
        self.arms = {cell.id: (cell.suite, names[cell.id]) for cell in data.cells}

    def __call__(self, samples: Samples | None) -> str | None:
        if samples is None or (samples.arm and samples.arm not in self.arms):
            return None
        suite, arm = self.arms.get(samples.arm, (samples.suite, ""))
        if samples.item:
            return "#" + "/".join(quote(part, safe="") for part in (suite, samples.item, str(samples.repeat), arm))
        outcomes = ",".join(samples.outcome)
        flip = f"{','.join(samples.was)}>{outcomes}{'!' if samples.new_answer else ''}" if samples.was else ""
        asked = {
            "suite": suite,
            "arm": arm,
            "base": self.arms[samples.base][1] if samples.base in self.arms else "",
            "flip": flip,
            "outcome": "" if flip else outcomes,
            "reading": samples.reading,
            "agree": "=".join(samples.agree),
            "labelled": samples.labelled and f"{samples.labelled}:{samples.reading}",
            "family": samples.family,
            "detector": samples.detector and f"{samples.said}:{samples.detector}",
            "only": only(samples),
        }
        return "#samples?" + urlencode({name: value for name, value in asked.items() if value})


def only(samples: Samples) -> str:
    if samples.truncated:
        return "cut"
    return f"error:{samples.error}" if samples.error else samples.valued and f"with:{samples.valued}"


@dataclass(frozen=True)
class View:
    """A section in the order of the page."""

    section: Section
    lead: Sequence[Table]
    tables: Sequence[Table]
    folded: Sequence[Table]

    @property
    def charts(self) -> Sequence[Chart]:
        return self.section.charts


def view(section: Section) -> View:
    plain = [table for table in section.tables if not table.detail]
    lead = [table for table in plain if table.key == LEAD]
    rest = [table for table in plain if table not in lead]
    return View(section, lead, rest, [table for table in section.tables if table.detail])


def lines(cell: Cell, address) -> Iterable[tuple[str, str | None]]:
    """The cell's lines, each with the address of the samples that it counts."""
    for number, text in enumerate(cell.text.split("\n")):
        yield text, address(cell.counts.get(number))


def sort_key(cell: Cell) -> str:
    """The number behind a cell, if there is one, so that 9 % sorts before 10 %."""
    value: JsonValue = cell.value.get("value") if isinstance(cell.value, dict) and "value" in cell.value else cell.value
    if isinstance(value, int | float):
        return repr(value)
    return "" if value is None else cell.text


def source(picture: Picture) -> str:
    """As an image of its own: its styles are nobody else's, and scripts in it do not run."""
    return "data:image/svg+xml;base64," + b64encode(picture.svg.encode()).decode()


def slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
