"""Which columns of a table a terminal of some width holds. The first one, with the names, always stays; the others go in the
order that they declare, and where they declare none, from the right. What has no room at all folds: nothing is cut."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from textwrap import wrap

from rich.cells import cell_len

from harness.errors import plural
from harness.report.table import Column, Table

HEADER_WIDTH = 14  # titles of columns wrap; numbers never do
FOLDED, FOLDED_NAMES = 16, 24  # columns of text, and of names, fold down to this
GAP = 2  # between two columns


@dataclass(frozen=True)
class Fitted:
    table: Table
    widths: tuple[int, ...]  # of its columns; text folds in them
    dropped: int  # columns

    @property
    def width(self) -> int:
        return total(self.widths)

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
    if table.columns[number].align == "right":
        return natural
    return min(natural, FOLDED if number else FOLDED_NAMES)


def fit(table: Table, width: int) -> Fitted:
    """The table without the columns for which there is no room."""
    kept = list(range(len(table.columns)))
    least = [least_width(table, number) for number in kept]
    leaving = sorted((n for n in kept[1:] if table.columns[n].drop >= 0), key=lambda n: (-table.columns[n].drop, -n))
    while total(least[number] for number in kept) > width and leaving:
        kept.remove(leaving.pop(0))
    narrowed = replace(
        table,
        columns=tuple(table.columns[number] for number in kept),
        rows=tuple(tuple(row[number] for number in kept) for row in table.rows),
    )
    natural = [natural_width(table, number) for number in kept]
    widths = allocate(natural, [least[number] for number in kept], width - GAP * (len(kept) - 1))
    return Fitted(narrowed, tuple(widths), len(table.columns) - len(kept))


def allocate(natural: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Widths that sum to at most `room`: the widest shrinks first, down to its least and, where that is not enough, beyond."""
    widths = list(natural)
    for floor in (least, [1] * len(widths)):
        while sum(widths) > room and (able := [n for n in range(len(widths)) if widths[n] > floor[n]]):
            widths[max(able, key=lambda n: widths[n])] -= 1
    return widths


def total(widths: Iterable[int]) -> int:
    """With the gaps between them."""
    widths = list(widths)
    return sum(widths) + GAP * (len(widths) - 1)
