"""The report in a terminal of 100 columns."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.markdown import Markdown
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from harness.report.table import Report, Table


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
            console.print(Text(f"\n not shown here: {'; '.join(hidden)}", style="dim"))
        for note in section.notes:
            console.print(Text(note))


def rich_table(table: Table) -> RichTable:
    out = RichTable(
        title=Text(table.title, style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        show_edge=False,
    )
    stacked = any("\n" in cell.text for row in table.rows for cell in row)
    for column in table.columns:
        out.add_column(Text(column.title), justify=column.align, overflow="fold")
    for row in table.rows:
        out.add_row(*(Text(cell.text) for cell in row), end_section=False)
        if stacked and row is not table.rows[-1]:
            out.add_row()
    return out
