"""A chart as SVG: part of a page that has the rules of `curves.css`, or a file with these rules in it.

Every point is a link to its samples, with what it says as its title and, over the panel, when it is pointed at or focused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape
from importlib.resources import files
from math import ceil, floor, log10

from harness.report.curves.data import Chart, Level, Line, Panel, Point
from harness.report.numbers import plain
from harness.report.table import Samples

WIDTH, HEIGHT = 320, 232
EDGE = 12  # where titles begin
LEFT, RIGHT, TOP, BOTTOM = 46, 14, 48, 36
SERIES = 8  # colours
DOTS = 60  # most points of a dense line that can be pointed at
LOG = 10  # a range of so many times the least value is drawn on a logarithmic scale
LETTER = 5.6  # width of a letter of a name

Address = Callable[[Samples], str | None]


def style() -> str:
    """The colours of page and plots, and the rules of plots."""
    return (files(__package__) / "curves.css").read_text(encoding="utf-8")


def chart_file(chart: Chart) -> str:
    """All panels in a row of two, as a file that needs no page."""
    width, height = 2 * WIDTH, ceil(len(chart.panels) / 2) * HEIGHT + 60
    panels = "".join(
        f'<svg class="panel" x="{at % 2 * WIDTH}" y="{at // 2 * HEIGHT + 34}" width="{WIDTH}" height="{HEIGHT}">'
        f"{drawn(chart, panel)}</svg>"
        for at, panel in enumerate(chart.panels)
    )
    named = "".join(
        f'<g class="s{series % SERIES}"><circle class="dot" cx="{12 + 110 * at}" cy="{height - 10}" r="3.5"/>'
        f'<text x="{20 + 110 * at}" y="{height - 7}">{escape(name)}</text></g>'
        for at, (series, name) in enumerate(chart.series.items())
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img" '
        f'aria-label="{escape(chart.alt)}"><style>{style()}</style>'
        f'<rect width="100%" height="100%" fill="var(--paper)"/><g class="panel"><text class="title" x="12" y="20">'
        f"{escape(chart.title)}</text>{named}</g>{panels}</svg>\n"
    )


def panel_svg(chart: Chart, panel: Panel, address: Address) -> str:
    label = escape(f"{panel.title} against {chart.abscissa}")
    return (
        f'<svg class="panel" viewBox="0 0 {WIDTH} {HEIGHT}" role="group" aria-label="{label}">'
        f"{drawn(chart, panel, address)}</svg>"
    )


def drawn(chart: Chart, panel: Panel, address: Address = lambda _: None) -> str:
    scales = Scales.of(chart, panel)
    better = f' <tspan class="axis">{panel.better} is better</tspan>' if panel.better else ""
    parts = [f'<text class="title" x="{EDGE}" y="16">{escape(panel.title)}{better}</text>', *axes(chart, scales)]
    parts += [level(one, scales, address) for one in panel.levels if one.y > 0 or not scales.log]
    parts += [series(line, scales, address) for line in (*panel.lines, *panel.marks)]
    parts += names(panel, scales)
    return "".join(parts)


# ------------------------------------------------------------------------------------------------------------- scales


class Scales:
    """Values to pixels. A share keeps its whole range; a measure gets the range it has, logarithmic if that is wide."""

    def __init__(self, xs: Sequence[float], ys: Sequence[float], share: bool) -> None:
        self.share = share
        low, high = min(xs), max(xs)
        margin = 0.08 * (high - low) or 0.5
        self.xs = low - margin, high + margin
        least, most = (0.0, 1.0) if share else (min(ys), max(ys))
        positive = [y for y in ys if y > 0]
        self.log = not share and least >= 0 and bool(positive) and most > LOG * min(positive)
        if self.log:
            self.ys = float(floor(log10(min(positive)))), float(ceil(log10(most)))
        else:
            room = 0 if share else 0.08 * (most - least) or abs(most) or 1.0
            self.ys = least - room, most + room

    @classmethod
    def of(cls, chart: Chart, panel: Panel) -> Scales:
        """Panels of a chart share their abscissa."""
        drawn: list[Point | Level] = [*panel.drawn, *panel.levels]
        ends = [end for one in drawn if one.interval for end in one.interval]
        ys = [one.y for one in drawn]
        xs = [point.x for one in chart.panels for point in one.drawn]
        low, high = min(ys), max(ys)
        reach = 3 * (high - low) or abs(high)  # an interval that would flatten all lines is cut at the frame
        return cls(xs, [*ys, *(end for end in ends if low - reach <= end <= high + reach)], panel.share)

    def x(self, value: float) -> float:
        low, high = self.xs
        return LEFT + (value - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        low, high = self.ys
        at = (log10(value) if value > 0 else low) if self.log else value
        return TOP + (1 - min(max((at - low) / (high - low), 0), 1)) * (HEIGHT - TOP - BOTTOM)

    def y_ticks(self) -> list[tuple[float, str]]:
        low, high = self.ys
        if self.log:
            step = max(1, ceil((high - low) / 4))
            return [(10.0**power, f"{10.0**power:g}") for power in range(int(low), int(high) + 1, step)]
        if self.share:
            return [(share / 100, f"{share} %") for share in (0, 25, 50, 75, 100)]
        return [(tick, plain(tick, 12).rstrip("0").rstrip(".")) for tick in ticks(low, high, 4)]

    def x_ticks(self) -> list[tuple[float, str]]:
        return [(tick, f"{tick:g}") for tick in ticks(*self.xs, 5)]


def ticks(low: float, high: float, about: int) -> list[float]:
    """Round numbers from low to high."""
    raw = (high - low) / about
    power = 10.0 ** floor(log10(raw))
    step = next(multiple * power for multiple in (1, 2, 2.5, 5, 10) if multiple * power >= raw * 0.999)
    return [round(number * step, 12) for number in range(ceil(low / step), floor(high / step) + 1)]


# ------------------------------------------------------------------------------------------------------------- drawing


def axes(chart: Chart, scales: Scales) -> Iterable[str]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    for value, text in scales.y_ticks():
        y = scales.y(value)
        yield f'<path class="grid" d="M{LEFT} {y:.1f}H{right}"/>'
        yield f'<text class="tick" x="{LEFT - 6}" y="{y + 3.5:.1f}" text-anchor="end">{text}</text>'
    for value, text in scales.x_ticks():
        yield f'<text class="tick" x="{scales.x(value):.1f}" y="{bottom + 14}" text-anchor="middle">{text}</text>'
    yield f'<text class="axis" x="{right}" y="{HEIGHT - 5}" text-anchor="end">{escape(chart.abscissa)}</text>'


def level(one: Level, scales: Scales, address: Address) -> str:
    band, right, y = "", WIDTH - RIGHT, scales.y(one.y)
    if one.interval:
        top, low = scales.y(one.interval.high), scales.y(one.interval.low)
        band = f'<rect class="levelband" x="{LEFT}" y="{top:.1f}" width="{right - LEFT}" height="{low - top:.1f}"/>'
    line = f'<path class="level" d="M{LEFT} {y:.1f}H{right}"/><path class="hit wide" d="M{LEFT} {y:.1f}H{right}"/>'
    return band + pointed(line, one.told, address(one.samples) if one.samples else None)


def series(line: Line, scales: Scales, address: Address) -> str:
    parts = [f'<g class="s{line.series % SERIES}">']
    if line.dense:
        parts.append(band(line, scales))
    path = "L".join(f"{scales.x(point.x):.1f} {scales.y(point.y):.1f}" for point in line.points)
    if len(line.points) > 1:
        parts.append(f'<path class="line" d="M{path}"/>')
    shown = line.points[:: max(1, ceil(len(line.points) / DOTS))] if line.dense else line.points
    for point in shown:
        parts.append(pointed(dot(point, scales, line), point.told, address(point.samples) if point.samples else None))
    return "".join((*parts, "</g>"))


def band(line: Line, scales: Scales) -> str:
    known = [(point.x, point.interval) for point in line.points if point.interval]
    if len(known) < 2:
        return ""
    there = [f"{scales.x(x):.1f} {scales.y(interval.high):.1f}" for x, interval in known]
    back = [f"{scales.x(x):.1f} {scales.y(interval.low):.1f}" for x, interval in reversed(known)]
    return f'<path class="band" d="M{"L".join((*there, *back))}Z"/>'


def dot(point: Point, scales: Scales, line: Line) -> str:
    x, y = scales.x(point.x), scales.y(point.y)
    hit = f'<circle class="hit" cx="{x:.1f}" cy="{y:.1f}" r="9"/>'
    if line.dense:
        return f'{hit}<circle class="dot faint" cx="{x:.1f}" cy="{y:.1f}" r="2.6"/>'
    whisker = ""
    if point.interval:
        top, low = scales.y(point.interval.high), scales.y(point.interval.low)
        whisker = f'<path class="whisker" d="M{x:.1f} {top:.1f}V{low:.1f}"/>'
    shape = "open" if line.apart else "dot"
    return f'{whisker}{hit}<circle class="{shape}" cx="{x:.1f}" cy="{y:.1f}" r="3.6"/>'


def pointed(inner: str, told: str, href: str | None) -> str:
    """What can be pointed at: it says what it is."""
    text = escape(told)
    tip = "".join(
        f'<text class="tip" x="{EDGE}" y="{30 + 12 * row}">{escape(part)}</text>'
        for row, part in enumerate(split(told))
    )
    body = f"<title>{text}</title>{inner}{tip}"
    link = f'<a href="{escape(href)}" aria-label="{text}">{body}</a>' if href else f'<g tabindex="-1">{body}</g>'
    return link.replace("<a ", '<a class="pointed" ').replace("<g tab", '<g class="pointed" tab')


def split(told: str) -> list[str]:
    """In two rows where one is too narrow."""
    head, colon, tail = told.rpartition(": ")
    return [told] if len(told) * LETTER < WIDTH - LEFT else [head + colon.rstrip(), tail]


def names(panel: Panel, scales: Scales) -> list[str]:
    """Names of points, each where it hits neither a point nor a name that stands already; else it is left out."""
    points = [point for line in panel.lines if not line.dense for point in line.points]
    taken = [reach(point, scales) for point in points]
    found = []
    for point in points:
        x, y, half = scales.x(point.x), scales.y(point.y), len(point.name) * LETTER / 2
        for dx, dy in ((0, -9), (0, 17), (half + 8, 3), (-half - 8, 3)):
            box = (x + dx - half, y + dy - 8, x + dx + half, y + dy + 2)
            inside = box[0] >= LEFT and box[2] <= WIDTH and box[1] >= TOP - 10 and box[3] <= HEIGHT - BOTTOM
            if inside and not any(overlap(box, other) for other in taken):
                taken.append(box)
                text = f'<text class="name" x="{x + dx:.1f}" y="{y + dy:.1f}" text-anchor="middle">{escape(point.name)}</text>'
                found.append(text)
                break
    return found


Box = tuple[float, float, float, float]


def reach(point: Point, scales: Scales) -> Box:
    """A point with its whisker."""
    x, y = scales.x(point.x), scales.y(point.y)
    top, low = (scales.y(point.interval.high), scales.y(point.interval.low)) if point.interval else (y, y)
    return x - 4, min(top, y - 5), x + 4, max(low, y + 5)


def overlap(one: Box, other: Box) -> bool:
    return all(one[axis] < other[axis + 2] and other[axis] < one[axis + 2] for axis in (0, 1))
