"""Consoles and plain tables, alike for every verb. Where there is no terminal, lines are not cut to a guessed width.

Control characters in what models, files and plugins wrote are shown as escapes, never sent to the terminal: what is printed
goes through `output.ShownOutput`, and a console escapes texts before it adds colours of its own.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table

from harness.errors import shown

PIPED_WIDTH = 160


class ShownConsole(Console):
    """A console that escapes control characters in whatever it is given."""

    def print(self, *objects: Any, **options: Any) -> None:
        super().print(*(shown(one) if isinstance(one, str) else one for one in objects), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(shown(segment.text), segment.style)


class ShownTable(Table):
    def add_row(self, *cells: RenderableType | None, **options: Any) -> None:
        super().add_row(*(shown(cell) if isinstance(cell, str) else cell for cell in cells), **options)


def stdout_console(**options: Any) -> Console:
    console = ShownConsole(file=getattr(sys.stdout, "stream", sys.stdout), **options)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = PIPED_WIDTH
    return console


def stderr_console() -> Console:
    return ShownConsole(stderr=True)


def plain_table(*columns: str, title: str | None = None) -> Table:
    """Where a line is too long its cells fold: no name is cut."""
    table = ShownTable(*columns, title=title, title_justify="left", box=None, pad_edge=False)
    for column in table.columns:
        column.overflow = "fold"
    return table
