"""Tables of paired differences: each arm against its base, metric by metric, with the method and the adjustment named."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydantic import JsonValue

from harness.errors import plural
from harness.report.analysis import Block, Pair
from harness.report.arms import Estimate
from harness.report.compare import Comparison
from harness.report.estimate_cells import NO_INFERENCE, NOT_AVAILABLE, estimate_json, estimate_text, titled
from harness.report.metrics import Metric
from harness.report.numbers import (
    NONE,
    bracket,
    decimals_of,
    p_value,
    points,
    signed,
    significant,
)
from harness.report.samples_of import ORDER, UNSCORED, counted, counted_with, moved, numerator
from harness.report.seeds import SeedComparison
from harness.report.table import Cell, Column, Samples, Table


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
    several = len(block.factors) > 1
    label = f"{pair.label} ({pair.factor})" if several else pair.label
    label += sizes_text(pair)
    head = Cell(label, {"base": pair.base.id, "other": pair.other.id, "factor": pair.factor})
    if not (pair.base.samples() and pair.other.samples()):
        return (head, *[Cell(NONE)] * 6)
    comparison = block.comparison(pair, metric)
    base, other = pair.base.estimate(metric), pair.other.estimate(metric)
    behind = {arm.id: counted(arm, metric) for arm in (pair.base, pair.other)}
    if comparison is not None:  # the samples that both arms have
        if (base.denominator, other.denominator) != (comparison.base[1], comparison.other[1]):
            behind = {
                arm.id: counted_with(against, arm, metric)
                for arm, against in ((pair.base, pair.other), (pair.other, pair.base))
            }
        base = Estimate(*comparison.base, None, "", 0)
        other = Estimate(*comparison.other, None, "", 0)

    return (
        head,
        *(
            Cell("\n".join(estimate_text(e, metric)[:2]), estimate_json(e, metric), {1: behind[arm.id]})
            for arm, e in ((pair.base, base), (pair.other, other))
        ),
        moved_cell(pair, base, other, comparison, metric),
        *difference_cells(base, other, comparison, metric),
    )


def sizes_text(pair: Pair) -> str:
    """Both sizes, under the contrast of two compressed models, so that a comparison at equal bits is seen to be one."""
    facts = (pair.other.compression, pair.base.compression)
    bits = [one.bits_per_weight for one in facts if one and one.bits_per_weight is not None]
    return f"\n{bits[0]:.3f} vs {bits[1]:.3f} bits/w" if len(bits) == 2 else ""


def moved_cell(pair: Pair, base: Estimate, other: Estimate, comparison: Comparison | None, metric: Metric) -> Cell:
    """Numerator and denominator apart, since a conditional rate can rise by its denominator alone; flips both ways."""
    if not metric.is_rate:
        return Cell(NONE)
    k, n = int(other.numerator - base.numerator), int(other.denominator - base.denominator)
    lines = [f"k {signed(k, 0)}, n {signed(n, 0)}"]
    value: dict[str, JsonValue] = {"numerator": k, "denominator": n}
    counts: dict[int, Samples | None] = {}
    if comparison is not None:
        inside = numerator(metric)
        outside = tuple(outcome for outcome in (*ORDER, UNSCORED) if outcome not in inside)
        lines += [f"+{comparison.gained}", f"−{comparison.lost}"]
        counts = {1: moved(pair.base, pair.other, outside, inside), 2: moved(pair.base, pair.other, inside, outside)}
        value |= {"gained": comparison.gained, "lost": comparison.lost}
    return Cell("\n".join(lines), value, counts)


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
        decimals = decimals_of(max(abs(d.base), abs(d.other)))  # the base's may be nothing
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
    tests = dict.fromkeys(
        f"{c.test} over {plural(c.units, c.unit)}" + (f" (least p {p_value(c.minimal)})" if c.minimal else "")
        for c in found
    )
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
    text = f"{tested[0].method} over {plural(tested[0].family, 'contrast')}"
    floors = [one.minimal for one in tested if one.minimal is not None]
    if len(floors) == len(tested):
        text += f" (least {p_value(min(1.0, min(floors) * tested[0].family))})"
    return f"{text}."
