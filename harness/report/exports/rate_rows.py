"""Counts and rates as rows, one a measure: for frames that are grouped and plotted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from harness.report.analysis import Block
from harness.report.arms import SampledArm
from harness.report.exports.run_rows import RowDict, RunResults, names_of

By = Literal["family"]


def rate_rows(run: RunResults, by: By | None = None) -> Iterator[RowDict]:
    """One a cell and measure (and family): the report's numerator and denominator, their quotient, and its 95 % interval."""
    for cell in run.plan.cells:
        block, arm = run.blocks[cell.suite.label], run.arm(cell)
        size = arm.compression
        named = {**names_of(cell), "arm": arm.label, "bits_per_weight": size.bits_per_weight if size else None}
        for family in arm.families if by else (None,):
            for row in _measures(block, arm, family):
                yield {**named, **({"family": family} if by else {}), **row}


def _measures(block: Block, arm: SampledArm, family: str | None) -> Iterable[RowDict]:
    for metric in block.metrics:
        found = arm.estimate(metric, family)
        low, high = found.interval or (None, None)
        yield {
            "measure": metric.key,
            "kind": metric.kind,
            "numerator": found.numerator,
            "denominator": found.denominator,
            "value": found.value,
            "low": low,
            "high": high,
            "samples": arm.samples(family),
        }
