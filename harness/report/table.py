"""A report as data: sections of tables of cells, each with its printed text and the numbers behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pydantic import JsonValue

if TYPE_CHECKING:
    from harness.report.curves.data import Chart

SCHEMA = 1  # of results.json; raised when a key changes its meaning


@dataclass(frozen=True)
class Samples:
    """The samples that a count counts: those of one arm, or of every arm of a suite, that meet every condition which is set."""

    arm: str  # cell id; empty: every arm of `suite`
    outcome: tuple[str, ...] = ()  # any of these quadrants, or "unscored"
    suite: str = ""
    reading: str = ""  # outcomes as this reading of an axis has them
    agree: tuple[str, ...] = ()  # readings that say the same
    labelled: str = (
        ""  # what a person said of the reply that `reading` reads: "yes", "no", or "either"; each reply once
    )
    base: str = ""  # cell id of the arm whose verdict on the same item and repeat was …
    was: tuple[str, ...] = ()  # … any of these
    new_answer: bool = False  # and whose answer was another one
    family: str = ""
    detector: str = ""
    said: str = "flagged"  # what the detector said: "flagged", "clear" or "abstained"
    truncated: bool = False
    valued: str = ""  # with a value of this measure
    error: str = ""  # what the reason begins with
    item: str = ""  # this one sample of the arm, with its repeat
    repeat: int = 0


@dataclass(frozen=True)
class Cell:
    """`text` is what a reader sees, its lines stacked; `value` is what a program reads. `counts`: line of the text -> the
    samples that it counts."""

    text: str
    value: JsonValue = None
    counts: Mapping[int, Samples | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Column:
    key: str  # in JSON
    title: str
    align: Literal["left", "right"] = "left"
    drop: int = 0  # where a terminal is too narrow, columns with the highest number leave first; −1: stays


@dataclass(frozen=True, repr=False)
class Table:
    """`detail` tables are long: the terminal shows them on request; Markdown, HTML and JSON always do."""

    key: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    detail: bool = False

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(
                    f"table {self.key}: a row has {len(row)} cells, but there are {len(self.columns)} columns"
                )

    def __repr__(self) -> str:
        from harness.report.terminal import as_text, print_table

        return as_text(lambda console: print_table(self, console))

    def _repr_html_(self) -> str:
        from harness.report.notebook import table_html

        return table_html(self)


@dataclass(frozen=True)
class Picture:
    """A plot as its two files; `alt` says in words what it shows."""

    name: str  # of the files, without their suffix
    alt: str
    svg: str
    png: bytes

    def _repr_svg_(self) -> str:
        return self.svg


@dataclass(frozen=True)
class Section:
    key: str
    title: str
    tables: tuple[Table, ...] = ()
    markdown: str = ""  # free text in place of tables, from a plugin
    notes: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    charts: tuple[Chart, ...] = ()

    @property
    def plots(self) -> list[Chart | Picture]:
        return [*self.charts, *self.pictures]


@dataclass(frozen=True, repr=False)
class Report:
    title: str
    sections: tuple[Section, ...]
    notes: tuple[str, ...] = ()

    @property
    def pictures(self) -> list[Picture]:
        return [picture for section in self.sections for picture in section.pictures]

    @property
    def charts(self) -> list[Chart]:
        return [chart for section in self.sections for chart in section.charts]

    def __repr__(self) -> str:
        from harness.report.terminal import as_text, render_terminal

        return as_text(lambda console: render_terminal(self, console))

    def _repr_html_(self) -> str:
        from harness.report.notebook import tables_html

        notes = [*self.notes, *(note for section in self.sections for note in section.notes)]
        titled = [(section.title, table) for section in self.sections for table in section.tables if not table.detail]
        return tables_html(self.title, titled, notes)


def text_cell(text: str, value: JsonValue = None) -> Cell:
    """A cell whose value, unless given, is its text."""
    return Cell(text, text if value is None else value)
