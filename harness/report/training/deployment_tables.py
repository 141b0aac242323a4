"""One training deployed in several ways, against the frontier of shrinking it."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import JsonValue

from harness.contract import Rate
from harness.report.metrics import Metric
from harness.report.numbers import NONE
from harness.report.seed_tables import mean_text, spread_json
from harness.report.seeds import SeedComparison, spread
from harness.report.table import Cell, Column, Table
from harness.report.training.contrasts import Refused
from harness.report.training.deployments import Deployment, Deployments
from harness.report.training.tables import how_tested, outcome_cell, seeds_cell, short


def deployment_tables(found: Iterable[Deployments]) -> Iterable[Table]:
    for at, one in enumerate(found):
        yield deployment_table(one, "deployments" if at == 0 else f"deployments-{at + 1}")


def deployment_table(found: Deployments, key: str) -> Table:
    frontier = bool(found.frontier)
    columns = [
        Column("deployment", "deployment"),
        Column("seeds", "seeds", "right"),
        Column(found.low.name, found.low.title, "right"),
        Column(found.high.name, found.high.title, "right"),
    ]
    if frontier:
        columns.append(Column("frontier", f"{found.high.name} on the\nfrontier", "right"))
        columns.append(Column("above", "above the\nfrontier", "right"))
    arms = ([found.untouched] if found.untouched else []) + list(found.arms)
    rows = tuple(row_of(found, arm, frontier) for arm in arms)
    return Table(key, "One training, deployed in several ways", tuple(columns), rows, tuple(notes(found)))


def row_of(found: Deployments, arm: Deployment, frontier: bool) -> tuple[Cell, ...]:
    values: dict[str, JsonValue] = {"label": arm.label, "frontier": arm.scale, **arm.values}
    told = ", ".join(f"{name}: {short(value)}" for name, value in arm.values.items())
    on_it = frontier and (arm.scale is not None or arm is found.untouched)
    head = Cell("\n".join(part for part in (arm.label + (" ·" if on_it else ""), told) if part), values)
    cells = [head, seeds_cell(tuple(sorted(arm.points)))]
    cells += [share(arm, at, rate) for at, rate in enumerate((found.low, found.high))]
    if frontier:
        cells += margin(found, arm)
    return tuple(cells)


def share(arm: Deployment, at: int, rate: Rate) -> Cell:
    value = spread({seed: point[at] for seed, point in sorted(arm.points.items())}, bounded=True)
    return Cell(mean_text(value, metric(rate)), spread_json(value))


def margin(found: Deployments, arm: Deployment) -> tuple[Cell, Cell]:
    above = found.above.get(arm.label)
    if above is None:
        return Cell(NONE), Cell(NONE)
    if isinstance(above, Refused):
        return Cell(NONE), Cell(above.verdict, {above.verdict: above.reason})
    return Cell(mean_text(above.base, metric(found.high)), spread_json(above.base)), outcome_cell(
        above, metric(found.high)
    )


def metric(rate: Rate) -> Metric:
    return Metric(rate.name, rate.title, "rate", rate)


def notes(found: Deployments) -> Iterable[str]:
    yield "Held-out items, equal sampling seeds; all rows but the untouched model share their training."
    if found.frontier:
        yield (
            f"· the frontier: one policy scaled towards the untouched model. A point above it has more {found.high.name} than "
            f"any scale that has no more {found.low.name}; on or under it, it has unlearned nothing that shrinking would not."
        )
        if found.above:
            tested = [one for one in found.above.values() if isinstance(one, SeedComparison)]
            yield from (how_tested(tested, "deployment") for _ in tested[:1])
    for label, one in found.above.items():
        if isinstance(one, Refused):
            yield f"Refused: {label}: {one.reason}."
