"""Which columns of a table a terminal of some width holds. The first one, with the names, always stays; the others go in the
order that they declare, and where they declare none, from the right. What has no room at all folds: nothing is cut."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import wrap

from rich.cells import cell_len

from harness.errors import plural
from harness.report.table import Column, Table

HEADER_WIDTH = 14  # titles of columns wrap; numbers never do
FOLDED = 20  # columns of text fold down to this
GAP = 2  # between two columns


@dataclass(frozen=True)
class Fitted:
    table: Table
    dropped: int  # columns
    width: int  # that it takes unfolded

    @property
    def note(self) -> str:
        return f"+{plural(self.dropped, 'column')}: --wide" if self.dropped else ""


def header(column: Column) -> str:
    return "\n".join(line for part in column.title.split("\n") for line in wrap(part, HEADER_WIDTH))


def natural_width(table: Table, number: int) -> int:
    texts = [header(table.columns[number]), *(row[number].text for row in table.rows)]
    return max(cell_len(line) for text in texts for line in text.split("\n"))


def least_width(table: Table, number: int) -> int:
    natural = natural_width(table, number)
    return min(natural, FOLDED) if table.columns[number].align == "left" else natural


def fit(table: Table, width: int) -> Fitted:
    """The table without the columns for which there is no room."""
    kept = list(range(len(table.columns)))
    least = [least_width(table, number) for number in kept]
    leaving = sorted((n for n in kept[1:] if table.columns[n].drop >= 0), key=lambda n: (-table.columns[n].drop, -n))
    while _total(least[number] for number in kept) > width and leaving:
        kept.remove(leaving.pop(0))
    narrowed = Table(
        table.key,
        table.title,
        tuple(table.columns[number] for number in kept),
        tuple(tuple(row[number] for number in kept) for row in table.rows),
        table.notes,
        table.detail,
    )
    unfolded = _total(natural_width(table, number) for number in kept)
    return Fitted(narrowed, len(table.columns) - len(kept), unfolded)


def _total(widths) -> int:
    widths = list(widths)
    return sum(widths) + GAP * (len(widths) - 1)
