"""Tables over seeds: what each arm's training gives, and differences paired by seed."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import JsonValue

from harness.report.analysis import Block, SeedPair
from harness.report.difference_tables import adjustment_note, stars
from harness.report.estimate_cells import METRICS_PER_TABLE, NO_INFERENCE, titled
from harness.report.metrics import Metric
from harness.report.numbers import NONE, bracket, decimals_of, p_value, percent, plain, points, signed, significant
from harness.report.seeds import Spread, spread
from harness.report.table import Cell, Column, Table, text_cell


def seed_tables(block: Block) -> Iterable[Table]:
    """Empty if every arm has one seed."""
    if not block.seed_groups:
        return
    for start in range(0, len(block.metrics), METRICS_PER_TABLE):
        yield seed_results(block, block.metrics[start : start + METRICS_PER_TABLE], start // METRICS_PER_TABLE)
    if block.seed_pairs:
        for metric in block.metrics:
            yield seed_differences(block, metric)


def seed_results(block: Block, metrics: Iterable[Metric], part: int) -> Table:
    metrics = tuple(metrics)
    columns = (
        Column("configuration", "configuration"),
        Column("seeds", "seeds", "right"),
        *(Column(metric.key, metric.title, "right") for metric in metrics),
    )
    rows = []
    for group in block.seed_groups:
        cells = [spread_cell(spread(group.values(metric), metric.is_rate), metric) for metric in metrics]
        seeds: list[JsonValue] = [*sorted(group.arms)]
        rows.append((text_cell(group.label), Cell(str(len(seeds)), seeds), *cells))
    note = "Mean over seeds ± standard deviation between seeds; 95 % t interval over seeds in brackets."
    key = "seeds:results" if part == 0 else f"seeds:results-{part + 1}"
    return Table(key, "Results over seeds", columns, tuple(rows), (note,))


def seed_differences(block: Block, metric: Metric) -> Table:
    columns = (
        Column("contrast", "contrast"),
        Column("seeds", "shared seeds", "right"),
        Column("base", "base", "right"),
        Column("other", "other", "right"),
        Column("difference", "difference", "right"),
        Column("p", "p", "right"),
        Column("adjusted", "p adjusted", "right"),
    )
    rows = tuple(seed_row(block, pair, metric) for pair in block.seed_pairs)
    found = [one for pair in block.seed_pairs if (one := block.seed_comparison(pair, metric))]
    note = f"Paired by seed, sign-flip over seeds; under six seeds {NO_INFERENCE}. {adjustment_note(found)}".rstrip()
    shown = block.training is not None and all(pair.factor == "trainer" for pair in block.seed_pairs)  # beside training
    detail = shown or not metric.is_rate
    return Table(f"seeds:differences:{metric.key}", f"{titled(metric)} over seeds", columns, rows, (note,), detail)


def seed_row(block: Block, pair: SeedPair, metric: Metric) -> tuple[Cell, ...]:
    head = Cell(pair.label, {"base": pair.base.label, "other": pair.other.label, "factor": pair.factor})
    found = block.seed_comparison(pair, metric)
    if found is None:
        return (head, Cell("none", []), *[Cell(NONE)] * 5)
    verdict: dict[str, JsonValue] = {
        "value": found.adjusted,
        "method": found.method,
        "family": found.family,
        "inference": found.inference,
    }
    adjusted = f"{p_value(found.adjusted)} {stars(found.adjusted)}".rstrip() if found.inference else NO_INFERENCE
    return (
        head,
        Cell(str(len(found.difference.seeds)), list(found.difference.seeds)),
        Cell(mean_text(found.base, metric), spread_json(found.base)),
        Cell(mean_text(found.other, metric), spread_json(found.other)),
        difference_cell(found.difference, metric, found.base.mean or 0.0),
        Cell(p_value(found.p), {"value": found.p, "minimal": found.minimal}),
        Cell(adjusted, verdict),
    )


def mean_text(found: Spread, metric: Metric) -> str:
    if found.mean is None:
        return NONE
    if metric.is_rate:
        return percent(found.mean) + ("" if found.sd is None else f"\n± {plain(100 * found.sd)}")
    decimals = decimals_of(found.mean)
    return significant(found.mean) + ("" if found.sd is None else f"\n± {plain(found.sd, decimals)}")


def spread_cell(found: Spread, metric: Metric) -> Cell:
    if found.mean is None:
        return Cell(NONE)
    scale, decimals = (100, 1) if metric.is_rate else (1, decimals_of(found.mean))
    return Cell(f"{mean_text(found, metric)}\n{bracket(found.interval, scale, decimals)}", spread_json(found))


def difference_cell(found: Spread, metric: Metric, base: float) -> Cell:
    if found.mean is None:
        return Cell(NONE)
    scale, decimals = (100, 1) if metric.is_rate else (1, decimals_of(base))
    text = points(found.mean) if metric.is_rate else signed(found.mean, decimals)
    sd = "" if found.sd is None else f" ± {plain(scale * found.sd, decimals)}"
    return Cell(f"{text}{sd}\n{bracket(found.interval, scale, decimals, sign=True)}", spread_json(found))


def spread_json(found: Spread) -> dict[str, JsonValue]:
    return {
        "value": found.mean,
        "sd": found.sd,
        "interval": list(found.interval) if found.interval else None,
        "seeds": list(found.seeds),
    }
