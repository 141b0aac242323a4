"""Where verbs print, and plain tables, alike for every verb. Where there is no terminal, lines are not cut to a guessed width.

What is printed otherwise goes through `output.ShownOutput`, which escapes control characters as these consoles do.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from rich.console import Console
from rich.table import Table

from harness.screen.console import ShownConsole, ShownTable

PIPED_WIDTH = 160


def stdout_console(**options: Any) -> Console:
    console = ShownConsole(file=getattr(sys.stdout, "stream", sys.stdout), **options)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = PIPED_WIDTH
    return console


def plain_table(*columns: str, title: str | None = None) -> Table:
    """Where a line is too long its cells fold: no name is cut."""
    table = ShownTable(*columns, title=title, title_justify="left", box=None, pad_edge=False)
    for column in table.columns:
        column.overflow = "fold"
    return table
