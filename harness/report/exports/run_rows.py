"""A run as rows: one a sample, with what was asked, answered and judged, and one a cell, with every measure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from harness.contract import Outcome, Scores
from harness.planning.cells import Cell
from harness.report.analysis import Block, analyse
from harness.report.arms import SampledArm
from harness.report.data import Row
from harness.report.stored_run import StoredRun
from harness.store.run import SampleRow

RowDict = dict[str, Any]


@dataclass(frozen=True)
class RunResults(StoredRun):
    """What every export is made from."""

    @cached_property
    def blocks(self) -> dict[str, Block]:
        return {block.key: block for block in analyse(self.data)}

    @cached_property
    def _arms(self) -> dict[str, SampledArm]:
        return {arm.id: arm for block in self.blocks.values() for arm in block.arms if isinstance(arm, SampledArm)}

    def arm(self, cell: Cell) -> SampledArm:
        """The cell as the report's tables have it."""
        return self._arms[cell.id]

    def replies(self, cell: Cell) -> Mapping[tuple[str, int], dict[str, SampleRow]]:
        """(item, repeat) -> role -> the stored reply."""
        found: dict[tuple[str, int], dict[str, SampleRow]] = {}
        for row in self.store.cell(cell.id).samples():
            found.setdefault((row.item, row.repeat), {})[row.role] = row
        return found


def sample_rows(run: RunResults) -> Iterator[RowDict]:
    """One a sample: names, verdicts, measures, flags, then prompts and replies by role."""
    flags: dict[str, dict[tuple[str, int], RowDict]] = {}
    for found in run.data.detectors:
        for flag in found.flags:
            flagged = None if flag.flag.abstained else flag.flag.flagged
            flags.setdefault(found.cell, {}).setdefault((flag.item, flag.repeat), {})[f"flag.{found.detector}"] = (
                flagged
            )
    for cell in run.plan.cells:
        prompts, replies = run.store.cell(cell.id).prompts(), run.replies(cell)
        for row in run.data.rows.get(cell.id, ()):
            key = row.item, row.repeat
            yield {
                **names_of(cell),
                **_judged(row),
                **flags.get(cell.id, {}).get(key, {}),
                **{f"prompt.{role}": text for role, text in prompts.get(row.item, {}).items()},
                **{f"reply.{role}": one.reply and one.reply.text for role, one in replies.get(key, {}).items()},
                **{f"tokens.{role}": one.reply and one.reply.tokens for role, one in replies.get(key, {}).items()},
            }


def cell_rows(run: RunResults) -> Iterator[RowDict]:
    """One a cell: names, counts, size, then each measure with its 95 % interval and its n."""
    for cell in run.plan.cells:
        arm = run.arm(cell)
        summary, size = arm.cell, arm.compression
        row: RowDict = {
            **names_of(cell),
            "state": summary.state,
            "error": summary.error,
            "planned": summary.planned,
            "attempted": summary.attempted,
            "scored": summary.scored,
            "seconds": summary.seconds,
            "bits_per_weight": size.bits_per_weight if size else None,
            "bytes": size.bytes if size else None,
        }
        for metric in run.blocks[cell.suite.label].metrics:
            estimate = arm.estimate(metric)
            low, high = estimate.interval or (None, None)
            row |= {
                metric.key: estimate.value,
                f"{metric.key}.low": low,
                f"{metric.key}.high": high,
                f"{metric.key}.n": estimate.denominator,
            }
        yield row


def names_of(cell: Cell) -> RowDict:
    return {
        "cell": cell.id,
        "suite": cell.suite.label,
        "model": cell.model.name,
        "trainer": cell.trainer.label,
        "compressor": cell.compressor.label,
        "seed": cell.seed,
    }


def _judged(row: Row) -> RowDict:
    verdict = row.verdict
    outcome = verdict if isinstance(verdict, Outcome) else None
    numbers = outcome.measures if outcome else verdict.values if isinstance(verdict, Scores) else {}
    judged: RowDict = {
        "item": row.item,
        "family": row.family,
        "cluster": row.cluster,
        "repeat": row.repeat,
        "proxy": outcome and outcome.proxy,
        "truth": outcome and outcome.truth,
        "outcome": str(outcome.quadrant) if outcome else None,
        "label": outcome and outcome.label,
        "error": row.error,
        "truncated": row.truncated,
    }
    return judged | {f"measure.{name}" if name in judged else name: value for name, value in numbers.items()}
