"""Consoles and plain tables, alike for every verb. Where there is no terminal, lines are not cut to a guessed width."""

from __future__ import annotations

import os

from rich.console import Console
from rich.table import Table

PIPED_WIDTH = 160


def stdout_console() -> Console:
    console = Console()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = PIPED_WIDTH
    return console


def plain_table(*columns: str, title: str | None = None) -> Table:
    return Table(*columns, title=title, title_justify="left", box=None, pad_edge=False)
