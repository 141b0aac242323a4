"""The report in a terminal of 100 columns."""

from __future__ import annotations

from textwrap import wrap

from rich import box
from rich.console import Console
from rich.markdown import Markdown
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from harness.errors import shown
from harness.report.table import Report, Table

NAMED = 6  # hidden tables that are named
HEADER_WIDTH = 14  # titles of columns wrap; numbers never do


def render_terminal(report: Report, console: Console, full: bool = False) -> None:
    """Print `report`; tables of detail (per family, transitions) only when `full`."""
    console.print(Text(report.title, style="bold"))
    for note in report.notes:
        console.print(Text(note, style="yellow"))
    for section in report.sections:
        console.print()
        console.rule(Text(section.title, style="bold"), align="left", style="dim")
        if section.markdown:
            console.print(Markdown(section.markdown))
        for table in section.tables:
            if full or not table.detail:
                console.print()
                console.print(rich_table(table))
                for note in table.notes:
                    console.print(Padding(Text(note, style="dim"), (0, 0, 0, 1)))
        hidden = [table.title for table in section.tables if table.detail and not full]
        if hidden:
            more = f" and {len(hidden) - NAMED} more" if len(hidden) > NAMED else ""
            console.print(
                Text(f"\n in the files, and here with --full: {'; '.join(hidden[:NAMED])}{more}", style="dim")
            )
        for note in section.notes:
            console.print(Text(note))


def rich_table(table: Table) -> RichTable:
    title = Text(table.title, style="bold")
    out = RichTable(
        title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False
    )
    for column in table.columns:
        header = "\n".join(line for part in column.title.split("\n") for line in wrap(part, HEADER_WIDTH))
        out.add_column(
            Text(header), justify=column.align, no_wrap=column.align == "right", overflow="fold", vertical="top"
        )
    numeric = any(column.align == "right" for column in table.columns)
    stacked = numeric and any("\n" in cell.text for row in table.rows for cell in row)
    for number, row in enumerate(table.rows):
        if stacked and number:
            out.add_row()  # an empty line between stacked rows
        out.add_row(*(Text(shown(cell.text)) for cell in row))
    return out
