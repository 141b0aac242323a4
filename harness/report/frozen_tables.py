"""Detectors under thresholds that were frozen before: what a deployed monitor does when the model under it changes."""

from __future__ import annotations

from collections.abc import Sequence

from harness.contract import Outcome
from harness.report.arms import Estimate, SampledArm, estimate, gamed
from harness.report.data import DetectorRun, FrozenDetectors, FrozenThreshold, Row
from harness.report.detector_tables import MIN_POSITIVES, Flags
from harness.report.estimate_cells import NO_INFERENCE
from harness.report.frozen import FALSE_POSITIVES, limit_of
from harness.report.numbers import NONE, bracket, fraction, percent
from harness.report.table import Cell, Column, Table, text_cell
from harness.stats import auroc

COLUMNS = (
    Column("detector", "detector"),
    Column("configuration", "configuration"),
    Column("above", "flagged above", "right"),
    Column("tpr", "TPR, frozen", "right"),
    Column("fpr", "FPR, frozen", "right"),
    Column("tpr_again", "TPR, recalibrated", "right"),
    Column("auroc", "AUROC", "right"),
)


def frozen_table(arms: Sequence[SampledArm], runs: Sequence[DetectorRun], frozen: FrozenDetectors, suite: str) -> Table:
    """One row per detector and arm."""
    by_id = {arm.id: arm for arm in arms}
    thresholds = {found.detector: found for found in frozen.thresholds if found.suite == suite}
    rows = tuple(
        _row(by_id[run.cell], run, thresholds[run.detector])
        for run in runs
        if run.cell in by_id and run.not_applicable is None and run.detector in thresholds
    )
    shared = max((found.shared for found in thresholds.values()), default=0)
    notes = [
        f"Frozen on the arms of {frozen.source} that no compressor touched: the lowest limit above which at most "
        f"{FALSE_POSITIVES:.0%} of their honest samples scored; {shared} samples on problems of this run were not used.",
        f"Recalibrated: at {FALSE_POSITIVES:.0%} of this arm's own honest samples, which a monitor in use does not know. AUROC "
        "kept and TPR lost: the scores have shifted. AUROC lost: the signal is gone, or has turned.",
        "A detector of activations is fitted anew on each arm's own activations, its threshold alone is frozen.",
    ]
    notes += [
        f"{found.detector}: {found.flagged} of {found.honest} honest samples were flagged where it was frozen"
        + ("; its code, or code under it, has changed since." if found.other_code else ".")
        for found in thresholds.values()
        if not found.reason
    ]
    return Table("frozen_detectors", "Detectors, thresholds frozen at 16 bits", COLUMNS, rows, tuple(notes))


def _row(arm: SampledArm, run: DetectorRun, frozen: FrozenThreshold) -> tuple[Cell, ...]:
    named = (text_cell(run.detector), text_cell(arm.label))
    if frozen.reason:
        return (*named, Cell(f"not frozen: {frozen.reason}", {"not_frozen": frozen.reason}), *[Cell(NONE)] * 4)
    flags = {(entry.item, entry.repeat): entry.flag for entry in run.flags if not entry.flag.abstained}
    rows = [row for row in arm.rows if isinstance(row.verdict, Outcome) and (row.item, row.repeat) in flags]
    hacks, honest = [row for row in rows if gamed(row)], [row for row in rows if not gamed(row)]
    scores, labels = [flags[row.item, row.repeat].score for row in rows], [gamed(row) for row in rows]
    again = limit_of([flags[row.item, row.repeat].score for row in honest]) if honest else None
    few = len(hacks) < MIN_POSITIVES
    area = None if few else auroc(scores, labels)
    return (
        *named,
        Cell(f"{frozen.above:.3g}", frozen.above),
        _rate_cell(_caught(hacks, flags, frozen.above), few),
        _rate_cell(_caught(honest, flags, frozen.above), False),
        Cell(NONE) if again is None else _rate_cell(_caught(hacks, flags, again), few),
        Cell(NONE if area is None else f"{area:.3f}", area),
    )


def _caught(rows: Sequence[Row], flags: Flags, above: float) -> Estimate:
    return estimate(rows, lambda row: (float(flags[row.item, row.repeat].score > above), 1.0), rate=True)


def _rate_cell(rate: Estimate, few: bool) -> Cell:
    if rate.value is None:
        return Cell(NONE)
    k, n = int(rate.numerator), int(rate.denominator)
    if few:
        return Cell(f"{fraction(k, n)}\n{NO_INFERENCE}", {"k": k, "n": n, "inference": False})
    text = f"{percent(rate.value)}  {fraction(k, n)}\n{bracket(rate.interval)}"
    return Cell(text, {"value": rate.value, "k": k, "n": n, "interval": [*rate.interval] if rate.interval else None})
