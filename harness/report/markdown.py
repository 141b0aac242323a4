"""The report as Markdown, for a pull request or a file beside the samples."""

from __future__ import annotations

from collections.abc import Iterable

from harness.errors import shown
from harness.report.table import Report, Table


def render_markdown(report: Report) -> str:
    return shown("\n".join(lines(report)).rstrip() + "\n")


def lines(report: Report) -> Iterable[str]:
    yield f"# {report.title}"
    yield ""
    for note in report.notes:
        yield f"> {note}"
        yield ""
    for section in report.sections:
        yield f"## {section.title}"
        yield ""
        if section.markdown:
            yield section.markdown
            yield ""
        for plot in section.plots:
            yield f"![{escape(plot.alt)}]({plot.name}.svg)"
            yield ""
        for table in section.tables:
            yield from table_lines(table)
        for note in section.notes:
            yield note
            yield ""


def table_lines(table: Table) -> Iterable[str]:
    yield f"### {table.title}"
    yield ""
    yield row_line(column.title for column in table.columns)
    yield row_line("---:" if column.align == "right" else "---" for column in table.columns)
    for row in table.rows:
        yield row_line(cell.text for cell in row)
    yield ""
    for note in table.notes:
        yield f"*{escape(note)}*"
        yield ""


def row_line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(escape(cell).replace("\n", "<br>") for cell in cells) + " |"


def escape(text: str) -> str:
    """Escape text so that no Markdown renderer reads it as markup: error messages can hold anything a model wrote."""
    for mark in "\\`*|":
        text = text.replace(mark, f"\\{mark}")
    return text.replace("](", "]\\(").replace("<", "&lt;").replace(">", "&gt;")
