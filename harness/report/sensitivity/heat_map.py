"""A screen as a heat map: a row a block; a column a response (where blocks were screened), and one a kind of Linear."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from harness.report.curves.svg import style
from harness.report.sensitivity.found import ERROR, Found

CELL, LEFT, TOP, GAP = 22, 60, 120, 14
INK = (178, 24, 43)


def heat_map(found: Found) -> str:
    """Each column is shaded from 0 (no damage, or less) to its own largest value; every cell says its number."""
    columns = _columns(found)
    rows = sorted({_block(found, name) for name in found.linears})
    width = LEFT + CELL * len(columns) + GAP + 20
    height = TOP + CELL * len(rows) + 20
    drawn = []
    for at, (title, values) in enumerate(columns.items()):
        x = LEFT + CELL * at
        drawn.append(
            f'<text x="{x + 14}" y="{TOP - 8}" transform="rotate(-45 {x + 14} {TOP - 8})">{escape(title)}</text>'
        )
        largest = max((*values.values(), 0.0)) or 1.0
        for row, block in enumerate(rows):
            if block in values:
                shade = max(values[block], 0.0) / largest
                colour = f"rgb({','.join(map(str, INK))})"
                label = escape(f"{title}, block {block}: {values[block]:.3g}")
                drawn.append(
                    f'<rect x="{x}" y="{TOP + CELL * row}" width="{CELL - 2}" height="{CELL - 2}" fill="{colour}" '
                    f'fill-opacity="{0.04 + 0.96 * shade:.3f}"><title>{label}</title></rect>'
                )
    names = "".join(
        f'<text x="{LEFT - 8}" y="{TOP + CELL * row + 14}" text-anchor="end">{block}</text>'
        for row, block in enumerate(rows)
    )
    title = escape(f"Damage by {found.screen.designs[0]}, {found.screen.compressor}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img" '
        f'aria-label="{title}"><style>{style()}</style><rect width="100%" height="100%" fill="var(--paper)"/>'
        f'<g class="panel"><text class="title" x="8" y="18">{title}</text>{names}{"".join(drawn)}</g></svg>\n'
    )


def _columns(found: Found) -> dict[str, dict[int, float]]:
    """Title -> block -> value."""
    design = found.screen.designs[0]
    columns: dict[str, dict[int, float]] = {}
    by_unit = {name: dict(zip(found.screen.units, each[design], strict=True)) for name, each in found.effects.items()}
    responses = list(found.screen.responses)
    if found.screen.unit == "block":
        columns |= {name: {int(unit): one.damage for unit, one in by_unit[name].items()} for name in responses}
        values: Mapping[str, float] = {name: (one.error or 0.0) ** 2 for name, one in found.linears.items()}
        return columns | _by_kind(found, values, ERROR)
    for name in responses:
        columns |= _by_kind(found, {unit: one.damage for unit, one in by_unit[name].items()}, name)
    return columns


def _by_kind(found: Found, values: Mapping[str, float], title: str) -> dict[str, dict[int, float]]:
    """One column for each kind of Linear."""
    columns: dict[str, dict[int, float]] = {}
    for name, value in values.items():
        columns.setdefault(f"{title}: {name.rpartition('.')[2]}", {})[_block(found, name)] = value
    return columns


def _block(found: Found, linear: str) -> int:
    """The number in the Linear's name."""
    return next(int(part) for part in linear.split(".") if part.isdigit())
