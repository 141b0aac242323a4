"""What a tracker is told of a cell: what it is, the numbers of its training rows, and what its verdicts came to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import fmean

from pydantic import JsonValue

from harness.contract import Outcome, Quadrant, Scores
from harness.planning.cells import Cell
from harness.store.run import RunStore


def settings(cell: Cell) -> dict[str, JsonValue]:
    """The cell's names and its components' parameters, by path: trainer, trainer/steps, compressor, …"""
    parts = {"trainer": cell.trainer, "compressor": cell.compressor, "suite": cell.suite}
    found: dict[str, JsonValue] = {"model": cell.model.name, "seed": cell.seed}
    for name, part in parts.items():
        found[name] = part.label
        found |= {f"{name}/{key}": value for key, value in part.params.items()}
    return found


def scalars(row: Mapping[str, JsonValue], prefix: str = "train") -> Iterator[tuple[str, float]]:
    """Every number of a row by its path (`train/hack_by_family/sentinel`); truth values are 0 and 1, null is left out."""
    for name, value in row.items():
        if isinstance(value, dict):
            yield from scalars(value, f"{prefix}/{name}")
        elif isinstance(value, int | float) and name not in ("step", "steps"):
            yield f"{prefix}/{name}", float(value)


def results(run: Path, cell: Cell) -> dict[str, float]:
    """Samples, those without a verdict, each quadrant's share of all samples, means of measures and scores, and the size."""
    store = RunStore(run).cell(cell.id)
    rows = [row for row in store.verdicts(cell.grade_key) if row.repeat < cell.settings.runs]
    found = {"samples": float(len(rows)), "unscored": float(sum(row.verdict is None for row in rows))}
    outcomes = [row.verdict for row in rows if isinstance(row.verdict, Outcome)]
    if outcomes:
        shares = {quadrant: sum(one.quadrant == quadrant for one in outcomes) / len(rows) for quadrant in Quadrant}
        found |= {f"share/{quadrant}": share for quadrant, share in shares.items()}
    values: dict[str, list[float]] = {}
    for row in rows:
        if isinstance(row.verdict, Outcome | Scores):
            named = row.verdict.measures if isinstance(row.verdict, Outcome) else row.verdict.values
            for name, value in named.items():
                values.setdefault(name, []).append(value)
    found |= {f"mean/{name}": fmean(seen) for name, seen in values.items()}
    size = store.weights
    if size and size.bits_per_weight is not None:
        found["bits_per_weight"] = size.bits_per_weight
    return found
