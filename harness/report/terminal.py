"""The report in a terminal of any width: what does not fit is folded, or left to --wide."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable

from rich import box
from rich.console import Console
from rich.markdown import Markdown
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from harness.errors import shown
from harness.report.fit import Fitted, fit, header, natural_width
from harness.report.table import Report, Table

NAMED = 6  # hidden tables that are named
WIDEST = 10_000  # columns that no terminal has


def render_terminal(report: Report, console: Console, full: bool = False, wide: bool = False) -> None:
    """Print `report`; tables of detail (per family, transitions) only when `full`, columns beyond the width when `wide`."""
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
                print_table(table, console, wide)
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


def as_text(show: Callable[[Console], None]) -> str:
    """What a terminal of this width shows, without its colours: at a prompt a table shows itself."""
    out = io.StringIO()
    show(Console(file=out, width=shutil.get_terminal_size((100, 24)).columns))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def print_table(table: Table, console: Console, wide: bool = False) -> None:
    """Print what the console is wide enough for, and say how much it is not."""
    width = console.width
    fitted = fit(table, WIDEST if wide else width)
    if wide:
        console.width = max(width, fitted.width)
    console.print(rich_table(fitted))
    console.width = width
    if fitted.note:
        console.print(Text(f" {fitted.note}", style="dim"))


def rich_table(fitted: Fitted) -> RichTable:
    table = fitted.table
    title = Text(table.title, style="bold") if table.title else None
    out = RichTable(
        title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False
    )
    for number, (column, width) in enumerate(zip(table.columns, fitted.widths, strict=True)):
        out.add_column(
            Text(header(column)),
            justify=column.align,
            no_wrap=column.align == "right" and width >= natural_width(table, number),
            overflow="fold",
            vertical="top",
            width=width,  # rich's own, from least widths, may sum to more than there is
        )
    numeric = any(column.align == "right" for column in table.columns)
    stacked = numeric and any("\n" in cell.text for row in table.rows for cell in row)
    for number, row in enumerate(table.rows):
        if stacked and number:
            out.add_row()  # an empty line between stacked rows
        out.add_row(*(Text(shown(cell.text)) for cell in row))
    return out
