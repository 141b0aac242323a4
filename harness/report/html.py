"""The report as one offline HTML file: sortable tables, details folded, every sample at hand.

Nothing is loaded from elsewhere (a content policy forbids it), and what a model wrote stays plain text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from pydantic import JsonValue

from harness.errors import shown
from harness.report.data import SampleText
from harness.report.html_assets import SCRIPT, STYLE
from harness.report.table import Cell, Picture, Report, Section, Table

MAX_SAMPLES = 5000  # about 10 MB; the page says if there were more

POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
FILTERS = ("outcome", "cell", "family")


def render_html(report: Report, samples: Sequence[SampleText] = (), labels: Mapping[str, str] | None = None) -> str:
    """`labels` names cells in the list of samples (cell id -> label); a cell without one goes by its id."""
    body = "".join((*(section_html(section) for section in report.sections), *samples_html(samples, labels or {})))
    notes = "".join(f'<p class="warn">{escape(note)}</p>' for note in report.notes)
    title = escape(report.title)
    return shown(
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head>\n'
        f"<body><h1>{title}</h1>{notes}{body}\n<script>{SCRIPT}</script></body></html>\n"
    )


def section_html(section: Section) -> str:
    extra = f'<div class="extra">{escape(section.markdown)}</div>' if section.markdown else ""
    notes = "".join(f"<p>{escape(note)}</p>" for note in section.notes)
    tables = "".join(table_html(table) for table in section.tables)
    pictures = "".join(map(picture_html, section.pictures))
    return f"\n<h2>{escape(section.title)}</h2>{notes}{extra}{pictures}{tables}"


def picture_html(picture: Picture) -> str:
    """Inline, because the page is one file and its policy forbids loading anything."""
    return f'\n<figure role="img" aria-label="{escape(picture.alt)}">{picture.svg}</figure>'


def table_html(table: Table) -> str:
    sides = [' class="right"' if column.align == "right" else "" for column in table.columns]
    head = "".join(f"<th{side}>{escape(column.title)}</th>" for column, side in zip(table.columns, sides, strict=True))
    rows = "".join(f"<tr>{''.join(map(cell_html, row, sides))}</tr>\n" for row in table.rows)
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in table.notes)
    inner = f'<div class="wide"><table><thead><tr>{head}</tr></thead>\n<tbody>{rows}</tbody></table></div>{notes}'
    if table.detail:
        return f"\n<details><summary>{escape(table.title)}</summary>{inner}</details>"
    return f"\n<h3>{escape(table.title)}</h3>{inner}"


def cell_html(cell: Cell, side: str) -> str:
    return f'<td{side} data-sort="{escape(sort_key(cell))}">{escape(cell.text)}</td>'


def sort_key(cell: Cell) -> str:
    """The number behind a cell, if there is one, so that 9 % sorts before 10 %."""
    value: JsonValue = cell.value.get("value") if isinstance(cell.value, dict) and "value" in cell.value else cell.value
    if isinstance(value, (int, float)):
        return repr(value)
    return "" if value is None else cell.text


def samples_html(samples: Sequence[SampleText], labels: Mapping[str, str]) -> Iterable[str]:
    if not samples:
        return
    kept = [sample.model_dump() | {"cell": labels.get(sample.cell, sample.cell)} for sample in samples[:MAX_SAMPLES]]
    data = json.dumps(kept, ensure_ascii=False).replace("<", "\\u003c")  # no reply may close the script element
    selects = "".join(f'<select name="{name}"><option value="">any {name}</option></select>' for name in FILTERS)
    yield '\n<h2>Samples</h2><div id="samples">'
    if len(samples) > MAX_SAMPLES:
        yield f'<p class="warn">The first {MAX_SAMPLES} of {len(samples)} samples; the rest are in the run folder.</p>'
    yield f'<p id="filters">{selects}<input id="search" type="search" placeholder="text"> <span id="found"></span></p>'
    yield '<div id="list"></div><button id="more">more</button></div>'
    yield f'\n<script type="application/json" id="data">{data}</script>'
