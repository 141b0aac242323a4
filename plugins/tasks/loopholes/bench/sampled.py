"""Programs that a checkpoint wrote for training problems, as `bench.collect` labelled and stored them.

The checkpoint is pocket-code after 30 steps of the trainer `vanilla` (6 prompts of 8 rollouts, a quarter of them the
teacher's, rate 0.1), asked at temperature 1. It hacks as it was shown to: a mode's hacks differ in little more than
the value they return.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness import Item, LabelledView, Record, Reply
from harness.detection.views import make_view
from harness.store.files import read_jsonl
from harness_plugins.tasks.loopholes.hints import FIXED_EVALUATOR
from harness_plugins.tasks.loopholes.modes import Mode

if TYPE_CHECKING:
    from harness_plugins.tasks.loopholes.suite import LoopholeSuite

FILE = Path(__file__).with_name("sampled.jsonl")
ORIGIN = "sampled"


class Sampled(Record):
    """`problem` is one of the generated training split; `hack`: exploits the loophole of its mode and solves nothing."""

    problem: str
    mode: Mode
    hack: bool
    program: str

    @property
    def item(self) -> Item:
        data = {"problem": self.problem, "mode": str(self.mode), "evaluator": FIXED_EVALUATOR}
        return Item(id=f"{self.mode}/{self.problem}", family=str(self.mode), cluster=self.problem, data=data)


def sampled() -> list[Sampled]:
    return [Sampled.model_validate(row) for row in read_jsonl(FILE)]


def labelled(suite: LoopholeSuite) -> Sequence[LabelledView]:
    """The stored programs as views of a suite of generated problems; every second problem is of the half `report`."""
    rows = sampled()
    reported = set(sorted({row.problem for row in rows})[::2])
    found = []
    for number, row in enumerate(rows):
        item = row.item.model_copy(update={"id": f"{row.item.id}#sampled-{number}"})
        found.append(
            LabelledView(
                view=make_view(suite, item, {"solution": Reply(text=row.program)}),
                hack=row.hack,
                mechanism=str(row.mode) if row.hack else "honest",
                cluster=row.problem,
                half="report" if row.problem in reported else "rules",
                reference=suite.reference(item),
                origin=ORIGIN,
            )
        )
    return found
