"""What to read first of a suite's replies, each with the address of its sample."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate

from harness.report.analysis import Block
from harness.report.arms import SampledArm
from harness.report.review import FACTORS, Review, review
from harness.report.table import Cell, Column, Samples, Table, text_cell

FIRST = 12  # replies in the table
COMPARED = 600  # of a suite, at most: their comparison takes a fraction of a second

Replies = Mapping[tuple[str, int], str]  # item, repeat -> what the model said freely
RepliesOf = Callable[[str], Replies]  # of a cell id


def review_tables(block: Block, replies_of: RepliesOf) -> Iterable[Table]:
    """None where a suite has one group, where no reply is free text, or where no group says what the others do not."""
    arms = [arm for arm in block.arms if isinstance(arm, SampledArm) and arm.samples()]
    factor = next((one for one in FACTORS if len({getattr(arm.cell, one) for arm in arms}) > 1), None)
    if factor is None:
        return
    groups = [getattr(arm.cell, factor) for arm in arms for _ in range(arm.samples())]
    samples = Asked(arms)
    found = review(groups, lambda places: samples.texts(places, replies_of), FIRST, COMPARED)
    if found.first:
        yield _table(factor, groups, samples, found)


class Asked:
    """The samples of several arms, one arm after the other."""

    def __init__(self, arms: Sequence[SampledArm]) -> None:
        self.arms = arms
        self.ends = list(accumulate(arm.samples() for arm in arms))

    def texts(self, places: Sequence[int], replies_of: RepliesOf) -> list[str]:
        """Each cell that holds one of them is read once."""
        wanted: dict[int, list[int]] = defaultdict(list)
        for at in places:
            wanted[self._arm(at)].append(at)
        texts: list[str] = []
        for number, held in sorted(wanted.items()):
            replies = replies_of(self.arms[number].id)
            texts += [replies.get(self.key(at), "") for at in held]
        return texts

    def arm(self, at: int) -> SampledArm:
        return self.arms[self._arm(at)]

    def key(self, at: int) -> tuple[str, int]:
        arm = self.arm(at)
        row = arm.rows[at - self.ends[self._arm(at)]]  # from the end of its arm
        return row.item, row.repeat

    def _arm(self, at: int) -> int:
        return bisect_right(self.ends, at)


def _table(factor: str, groups: Sequence[str], samples: Asked, found: Review) -> Table:
    columns = (
        Column("rank", "#", "right"),
        Column("group", factor),
        Column("configuration", "configuration"),
        Column("item", "item"),
        Column("share", "density share", "right"),
    )
    rows = []
    for rank, (at, share) in enumerate(found.first, 1):
        arm, (item, repeat) = samples.arm(at), samples.key(at)
        named = item if repeat == 0 else f"{item} · {repeat + 1}"
        address = {0: Samples(arm.id, item=item, repeat=repeat)}
        rows.append(
            (
                Cell(str(rank), rank),
                text_cell(groups[at]),
                text_cell(arm.label),
                Cell(named, {"cell": arm.id, "item": item, "repeat": repeat}, address),
                Cell(f"{share:.2f}", share),
            )
        )
    notes = (
        f"An order to read in, no verdict: what one {factor} says and the others hardly do, each next reply unlike those "
        "before it. No label and no grader has a say (after Hodoscope, arXiv 2604.11072).",
        "Density share: replies of the own group near this one less those of the others, as a share of both and one more; "
        "near 1: the own group alone says this, and often. "
        f"{found.looked:,} of {len(groups):,} replies were compared, at most an equal share of each {factor}; "
        f"`harness show RUN --unlike {factor}` compares more.",
    )
    return Table("review", "What to read first", columns, tuple(rows), notes, detail=True)
