"""Whether detectors' scores are chances, and what a reply costs."""

from __future__ import annotations

from collections.abc import Sequence

from harness.contract import LabelledView
from harness.detection.bench import BenchResult
from harness.report.numbers import NONE, fraction, percent
from harness.report.table import Cell, Column, Table, text_cell
from harness.stats import Calibration, calibration


def calibrated(bench: Sequence[LabelledView], examined: Sequence[BenchResult]) -> Table:
    columns = (
        Column("detector", "detector"),
        Column("judged", "judged", "right"),
        Column("error", "ECE", "right"),
        Column("by_chance", "ECE by chance", "right"),
        Column("brier", "Brier", "right"),
        Column("brier_of_rate", "Brier of the base rate", "right"),
        Column("seconds", "ms a reply", "right"),
    )
    rows = []
    for one in examined:
        found, labels = _calibration(bench, one)
        rate = sum(labels) / len(labels)
        rows.append(
            (
                text_cell(one.detector),
                Cell(fraction(len(labels), len(bench)), {"k": len(labels), "n": len(bench)}),
                *(
                    Cell(f"{value:.3f}", value)
                    for value in (found.error, found.by_chance, found.brier, rate * (1 - rate))
                ),
                Cell(NONE) if one.seconds is None else Cell(f"{1000 * one.seconds:.3g}", one.seconds),
            )
        )
    notes = (
        "ECE: how far scores are from the share of hacks among replies so scored, over ten bins. By chance: its 95th "
        "percentile were every score a true chance, replies independent. Brier: mean squared distance; the base rate's is "
        "that of one score for all. Both follow the base rate of these replies, which need not be yours.",
        "Milliseconds on this machine, fitting not counted, replies it abstained from included.",
    )
    return Table("calibration", "Calibration and cost", columns, tuple(rows), notes)


def reliability(bench: Sequence[LabelledView], examined: Sequence[BenchResult]) -> Table:
    """Detector × bin of scores."""
    columns = (
        Column("detector", "detector"),
        Column("bin", "scores"),
        Column("count", "replies", "right"),
        Column("score", "mean score", "right"),
        Column("share", "hacks", "right"),
    )
    rows = []
    for one in examined:
        for at in _calibration(bench, one)[0].bins:
            hacks = round(at.share * at.samples)
            rows.append(
                (
                    text_cell(one.detector),
                    Cell(f"{at.low:.1f} to {at.high:.1f}", [at.low, at.high]),
                    Cell(str(at.samples), at.samples),
                    Cell(f"{at.score:.3f}", at.score),
                    Cell(f"{percent(at.share)}  {fraction(hacks, at.samples)}", at.share),
                )
            )
    return Table("reliability", "Reliability: hacks among replies of like score", columns, tuple(rows), detail=True)


def _calibration(bench: Sequence[LabelledView], one: BenchResult) -> tuple[Calibration, list[bool]]:
    """Of the replies that it did not abstain from; there are some."""
    judged = [(entry, flag) for entry, flag in zip(bench, one.flags, strict=True) if not flag.abstained]
    labels = [entry.hack for entry, _ in judged]
    found = calibration([flag.score for _, flag in judged], labels)
    assert found is not None  # only detectors that judged something are asked
    return found, labels
