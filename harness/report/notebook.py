"""Tables as HTML for a notebook's cell: plain elements that take the notebook's own style."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from harness.errors import shown
from harness.report.table import Table

CELL = "white-space: pre-line; vertical-align: top; text-align: {side}"  # a cell's lines are stacked


def table_html(table: Table, title: str = "") -> str:
    styles = [CELL.format(side=column.align) for column in table.columns]
    head = _row("th", (column.title for column in table.columns), styles)
    rows = "".join(_row("td", (cell.text for cell in row), styles) for row in table.rows)
    caption = escape(": ".join(filter(None, (title, table.title))))
    notes = "".join(f"<p><small>{escape(note)}</small></p>" for note in table.notes)
    titled = f"<caption>{caption}</caption>" if caption else ""
    return shown(
        f"<table>{titled}<thead>{head}</thead><tbody>{rows}</tbody></table>{notes}",
    )


def _row(element: str, texts: Iterable[str], styles: Iterable[str]) -> str:
    cells = (
        f'<{element} style="{style}">{escape(text)}</{element}>' for text, style in zip(texts, styles, strict=True)
    )
    return f"<tr>{''.join(cells)}</tr>"


def tables_html(head: str, titled: Iterable[tuple[str, Table]], notes: Iterable[str] = ()) -> str:
    said = "".join(f"<p>{escape(line)}</p>" for line in (head, *notes))
    return shown(said) + "".join(table_html(table, title) for title, table in titled)
