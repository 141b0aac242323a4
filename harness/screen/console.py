"""Consoles that escape control characters in what models, files and plugins wrote, before they add colours of their own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table

from harness.errors import shown


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


def stderr_console() -> Console:
    return ShownConsole(stderr=True)
