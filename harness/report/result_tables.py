"""The tables that every suite has: results per arm, paired differences, and both again per family."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydantic import JsonValue

from harness.report.analysis import Block, Pair
from harness.report.arms import Arm, Estimate
from harness.report.compare import Comparison
from harness.report.data import CompressionFacts
from harness.report.metrics import Metric
from harness.report.numbers import (
    NONE,
    bracket,
    decimals_of,
    fraction,
    p_value,
    percent,
    points,
    signed,
    significant,
    size,
)
from harness.report.seeds import SeedComparison
from harness.report.table import Cell, Column, Table, plural, text_cell

METRICS_PER_TABLE = 5  # what 100 columns hold beside a name and a size
NOT_AVAILABLE = "not available"
NO_INFERENCE = "no inference"


def overviews(block: Block) -> Iterable[Table]:
    """Every metric of every arm, and beside it what the compression stored."""
    chunks = range(0, len(block.metrics), METRICS_PER_TABLE)
    for start in chunks:
        metrics = block.metrics[start : start + METRICS_PER_TABLE]
        key = "results" if start == 0 else f"results-{start // METRICS_PER_TABLE + 1}"
        yield overview(block, metrics, key)


def titled(metric: Metric) -> str:
    """The metric's name with the direction that counts as better, where the suite says low."""
    return f"{metric.title} (lower is better)" if metric.rate and metric.rate.better == "low" else metric.title


def overview(block: Block, metrics: Iterable[Metric], key: str) -> Table:
    metrics, sized = tuple(metrics), any(arm.compression for arm in block.arms)
    columns = [Column("configuration", "configuration")]
    columns += [Column(metric.key, metric.title, "right") for metric in metrics]
    if sized:
        columns.append(Column("size", "layers\nbits/w\nbytes", "right"))
    note = (f"95 % intervals in brackets.{delta_note(block)}",)
    rows = []
    for arm in block.arms:
        row = [text_cell(arm.label), *(overview_cell(block, arm, metric) for metric in metrics)]
        if sized:
            row.append(size_cell(arm.compression))
        rows.append(tuple(row))
    return Table(key, "Results", tuple(columns), tuple(rows), note, detail=bool(block.seed_groups))


def overview_cell(block: Block, arm: Arm, metric: Metric) -> Cell:
    """The estimate and, below it, the paired difference to the arm's first contrast."""
    cell = estimate_cell(arm, metric)
    pair = first_pair(block, arm)
    if pair is None or not (pair.base.samples() and arm.samples()):
        return cell
    comparison = block.comparison(pair, metric)
    if comparison is None:
        return Cell(f"{cell.text}\nΔ {NOT_AVAILABLE}", cell.value)
    delta, _, adjusted = difference_cells(pair.base.estimate(metric), arm.estimate(metric), comparison, metric)
    verdict = adjusted.text if adjusted.text in (NONE, NO_INFERENCE) else f"p {adjusted.text}"
    return Cell(f"{cell.text}\nΔ {delta.text}\n{verdict}", cell.value)


def first_pair(block: Block, arm: Arm) -> Pair | None:
    return next((pair for pair in block.pairs if pair.other.id == arm.id), None)


def delta_note(block: Block) -> str:
    bases = dict.fromkeys(pair.base.label for arm in block.arms if (pair := first_pair(block, arm)))
    return f" Δ: paired difference to {', '.join(bases)}, p adjusted." if bases else ""


def estimate_text(estimate: Estimate, metric: Metric) -> tuple[str, str, str]:
    """Value, counts, interval."""
    if estimate.value is None:
        return NONE, fraction(estimate.numerator, 0) if metric.is_rate else "n = 0", "[–]"
    if metric.is_rate:
        return percent(estimate.value), fraction(estimate.numerator, estimate.denominator), bracket(estimate.interval)
    value = significant(estimate.value)
    return value, f"n = {estimate.denominator:g}", bracket(estimate.interval, 1, decimals_of(estimate.value))


def estimate_cell(arm: Arm, metric: Metric) -> Cell:
    if not arm.samples():
        return Cell(NONE)
    estimate = arm.estimate(metric)
    return Cell("\n".join(estimate_text(estimate, metric)), estimate_json(estimate, metric))


def estimate_json(estimate: Estimate, metric: Metric) -> dict[str, JsonValue]:
    counts: dict[str, JsonValue] = {"n": int(estimate.denominator)}
    if metric.is_rate:
        counts = {"k": int(estimate.numerator), **counts}
    return {
        "value": estimate.value,
        **counts,
        "interval": list(estimate.interval) if estimate.interval else None,
        "unit": estimate.unit,
        "units": estimate.units,
    }


def size_cell(facts: CompressionFacts | None) -> Cell:
    if facts is None:
        return Cell(NONE)
    layers = NONE if facts.layers_replaced is None else str(facts.layers_replaced)
    of = "" if facts.linears is None else f"/{facts.linears}"
    bits = NONE if facts.bits_per_weight is None else f"{facts.bits_per_weight:.2f}"
    return Cell(f"{layers}{of}\n{bits}\n{size(facts.bytes)}", facts.model_dump())


# ------------------------------------------------------------------------------------------------------- differences


def differences(block: Block) -> Iterable[Table]:
    """One table of pooled paired differences for each metric."""
    if not block.pairs:
        return
    for metric in block.metrics:
        columns = (
            Column("contrast", "contrast"),
            Column("base", "base", "right"),
            Column("other", "other", "right"),
            Column("moved", "moved", "right"),
            Column("difference", "difference", "right"),
            Column("p", "p", "right"),
            Column("adjusted", "p adjusted", "right"),
        )
        rows = tuple(difference_row(block, pair, metric) for pair in block.pairs)
        found = [c for pair in block.pairs if (c := block.comparison(pair, metric))]
        notes = difference_notes(found, metric)
        yield Table(
            f"differences:{metric.key}",
            f"{titled(metric)}: paired differences",
            columns,
            rows,
            notes,
            detail=True,
        )


def difference_row(block: Block, pair: Pair, metric: Metric) -> tuple[Cell, ...]:
    several = len({p.factor for p in block.pairs}) > 1
    label = f"{pair.label} ({pair.factor})" if several else pair.label
    label += sizes_text(pair)
    head = Cell(label, {"base": pair.base.id, "other": pair.other.id, "factor": pair.factor})
    if not (pair.base.samples() and pair.other.samples()):
        return (head, *[Cell(NONE)] * 6)
    comparison = block.comparison(pair, metric)
    base, other = pair.base.estimate(metric), pair.other.estimate(metric)
    if comparison is not None:  # the samples that both arms have
        base = Estimate(*comparison.base, None, "", 0)
        other = Estimate(*comparison.other, None, "", 0)
    return (
        head,
        *(Cell("\n".join(estimate_text(e, metric)[:2]), estimate_json(e, metric)) for e in (base, other)),
        moved_cell(base, other, comparison, metric),
        *difference_cells(base, other, comparison, metric),
    )


def sizes_text(pair: Pair) -> str:
    """Both sizes, under the contrast of two compressed models, so that a comparison at equal bits is seen to be one."""
    facts = (pair.other.compression, pair.base.compression)
    bits = [one.bits_per_weight for one in facts if one and one.bits_per_weight is not None]
    return f"\n{bits[0]:.3f} vs {bits[1]:.3f} bits/w" if len(bits) == 2 else ""


def moved_cell(base: Estimate, other: Estimate, comparison: Comparison | None, metric: Metric) -> Cell:
    """Numerator and denominator apart, since a conditional rate can rise by its denominator alone; flips both ways."""
    if not metric.is_rate:
        return Cell(NONE)
    k, n = int(other.numerator - base.numerator), int(other.denominator - base.denominator)
    lines = [f"k {signed(k, 0)}, n {signed(n, 0)}"]
    value: dict[str, JsonValue] = {"numerator": k, "denominator": n}
    if comparison is not None:
        lines.append(f"+{comparison.gained} −{comparison.lost}")
        value |= {"gained": comparison.gained, "lost": comparison.lost}
    return Cell("\n".join(lines), value)


def difference_cells(
    base: Estimate, other: Estimate, comparison: Comparison | None, metric: Metric
) -> tuple[Cell, ...]:
    """Difference with interval, p, adjusted p. Without item links, only the difference of the two values."""
    if comparison is None:
        delta = None if base.value is None or other.value is None else other.value - base.value
        text = (
            NONE
            if delta is None
            else (points(delta) if metric.is_rate else signed(delta, decimals_of(base.value or 0)))
        )
        unpaired: dict[str, JsonValue] = {"value": delta, "interval": None}
        return Cell(f"{text}\n{NOT_AVAILABLE}", unpaired), Cell(NOT_AVAILABLE), Cell(NOT_AVAILABLE)
    d = comparison.difference
    if d is None:
        return Cell(NONE), Cell(NONE), Cell(NONE)
    if metric.is_rate:
        text = f"{points(d.delta)}\n{bracket(d.interval, sign=True)}"
    else:
        decimals = decimals_of(d.base)
        text = f"{signed(d.delta, decimals)}\n{bracket(d.interval, 1, decimals, sign=True)}"
    value: dict[str, JsonValue] = {
        "value": d.delta,
        "interval": list(d.interval) if d.interval else None,
        "se": d.se,
        "mde": comparison.mde,
        "items": comparison.items,
        "samples": comparison.samples,
        "unmatched": comparison.unmatched,
    }
    test: dict[str, JsonValue] = {
        "value": comparison.p,
        "test": comparison.test,
        "unit": comparison.unit,
        "units": comparison.units,
        "minimal": comparison.minimal,
    }
    verdict: dict[str, JsonValue] = {
        "value": comparison.adjusted,
        "method": comparison.method,
        "family": comparison.family,
        "inference": comparison.inference,
    }
    return Cell(text, value), Cell(p_value(comparison.p), test), Cell(adjusted_text(comparison), verdict)


def adjusted_text(comparison: Comparison) -> str:
    if not comparison.inference:
        return NO_INFERENCE
    return f"{p_value(comparison.adjusted)} {stars(comparison.adjusted)}".rstrip()


def stars(p: float | None) -> str:
    return "" if p is None else "*" * sum(p < level for level in (0.05, 0.01, 0.001))


def difference_notes(found: list[Comparison], metric: Metric) -> tuple[str, ...]:
    """Which tests were made, over what, and what they could have found."""
    if not found:
        return ("Without samples in common, intervals and tests of paired differences are not available.",)
    tests = dict.fromkeys(f"{c.test} over {plural(c.units, c.unit)} (least p {p_value(c.minimal)})" for c in found)
    notes = [f"Test: {'; '.join(tests)}. {adjustment_note(found)}".rstrip()]
    mdes = [c.mde for c in found if c.mde is not None]
    if mdes:
        write = points if metric.is_rate else significant
        least = " to ".join(dict.fromkeys((write(min(mdes)), write(max(mdes))))).replace("+", "")
        notes.append(f"Least difference found with 80 % power at the observed spread: {least}.")
    unmatched = sum(c.unmatched for c in found)
    if unmatched:
        notes.append(f"{unmatched} samples have no partner in the other arm and stand outside these differences.")
    if metric.is_rate and not metric.joint:
        notes.append("k and n move apart: this rate's denominator is itself a verdict.")
    return tuple(notes)


def adjustment_note(found: Sequence[Comparison | SeedComparison]) -> str:
    """The method, the size of the family, and the least p that can be left after it."""
    tested = [one for one in found if one.p is not None]
    if not tested:
        return ""
    one = min(tested, key=lambda each: each.minimal)
    return f"{one.method} over {plural(one.family, 'contrast')} (least {p_value(min(1.0, one.minimal * one.family))})."


# ------------------------------------------------------------------------------------------------------- per family


def family_tables(block: Block) -> Iterable[Table]:
    """Long form, one line for each family and arm; explored after the fact, hence Benjamini-Hochberg."""
    if not block.families:
        return
    for metric in block.metrics:
        columns = (
            Column("family", "family"),
            Column("configuration", "configuration"),
            Column("estimate", metric.title, "right"),
            Column("interval", "95 %", "right"),
            Column("difference", "difference", "right"),
            Column("p", "p", "right"),
            Column("adjusted", "p adjusted", "right"),
        )
        rows = tuple(
            row for family in block.families for arm in block.arms for row in family_rows(block, metric, family, arm)
        )
        yield Table(
            f"families:{metric.key}", f"{metric.title} by family", columns, rows, family_notes(block), detail=True
        )


def family_rows(block: Block, metric: Metric, family: str, arm: Arm) -> Iterable[tuple[Cell, ...]]:
    estimate = arm.estimate(metric, family)
    value, counts, interval = estimate_text(estimate, metric)
    head = (
        text_cell(family),
        text_cell(arm.label),
        Cell(f"{value}  {counts}", estimate_json(estimate, metric)),
        Cell(interval),
    )
    pairs = [pair for pair in block.pairs if pair.other.id == arm.id]
    if not pairs:
        yield (*head, Cell(NONE), Cell(NONE), Cell(NONE))
    for pair in pairs:
        if not (pair.base.samples(family) and arm.samples(family)):
            yield (*head, Cell(NONE), Cell(NONE), Cell(NONE))
            continue
        comparison = block.comparison(pair, metric, family)
        tail = difference_cells(pair.base.estimate(metric, family), estimate, comparison, metric)
        yield (*head, *(Cell(cell.text.replace("\n", " "), cell.value) for cell in tail))


def family_notes(block: Block) -> tuple[str, ...]:
    several = any(sum(pair.other.id == arm.id for pair in block.pairs) > 1 for arm in block.arms)
    order = "; lines of one arm follow the order of the contrasts" if several else ""
    return (f"Exploratory: Benjamini-Hochberg within this table{order}.",)
