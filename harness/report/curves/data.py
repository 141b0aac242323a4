"""A chart as data: small panels that share an abscissa, each with lines of points and the levels they are held against."""

from __future__ import annotations

from dataclasses import dataclass

from harness.report.table import Samples
from harness.stats import Interval


@dataclass(frozen=True)
class Point:
    """`name` is written beside it, `told` is what a reader gets who points at it."""

    x: float
    y: float
    interval: Interval | None
    name: str
    told: str
    samples: Samples | None = None


@dataclass(frozen=True)
class Line:
    """Points that belong together, from left to right. `series` is its colour: the same one in every panel."""

    name: str
    series: int
    points: tuple[Point, ...]
    dense: bool = False  # too many points to mark or name: a line with a band
    apart: bool = False  # a point that stands for itself


@dataclass(frozen=True)
class Level:
    """A horizontal line: what the untouched model has."""

    name: str
    y: float
    interval: Interval | None
    told: str
    samples: Samples | None = None


@dataclass(frozen=True)
class Panel:
    """One measure. `share`: from 0 to 1, written in per cent."""

    title: str
    better: str  # "more" or "less"; empty where neither is
    share: bool
    lines: tuple[Line, ...]
    levels: tuple[Level, ...] = ()
    marks: tuple[Line, ...] = ()  # single points beside the right edge

    @property
    def drawn(self) -> list[Point]:
        return [point for line in (*self.lines, *self.marks) for point in line.points]


@dataclass(frozen=True)
class Chart:
    name: str  # of its file, without the suffix
    title: str
    abscissa: str
    panels: tuple[Panel, ...]
    note: str = ""

    @property
    def series(self) -> dict[int, str]:
        """The names of its colours."""
        return {line.series: line.name for panel in self.panels for line in panel.lines}

    @property
    def alt(self) -> str:
        """What it shows, for readers who cannot see it."""
        told = [f"{panel.title}: {'; '.join(spoken(panel))}" for panel in self.panels]
        return f"{self.title}. {'. '.join(told)}"


def spoken(panel: Panel) -> list[str]:
    """The levels, and of every line its points or, where they are many, its ends."""
    found = [level.told for level in panel.levels]
    for line in panel.lines:
        ends = line.points[:1] + line.points[-1:] if line.dense else line.points
        found += [point.told for point in ends]
    return found
