"""Grade the stored replies. Needs no model, and can be repeated with better graders."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING

from harness.contract import Item, Outcome, Reply, Scores, Spec, TaskSuite
from harness.contract.records import checked
from harness.errors import described
from harness.planning.questions import selected_items
from harness.running.stages.self_check import require_self_check
from harness.store.files import write_jsonl, write_text
from harness.store.hashing import key_of
from harness.store.run import CellStore, SampleRow, VerdictRow

if TYPE_CHECKING:
    from harness.planning.cells import Cell

LONGEST_CAUSE = 1000  # characters


def grade(
    cell: Cell, suite: TaskSuite, spec: Spec, store: CellStore, progress: Callable[[str, int, int], None]
) -> None:
    """One verdict per (item, repeat), in the plan's order; a sample with a failed reply keeps its row and says why.

    The suite checks its graders first; one that fails its own check does not report.
    """
    samples = store.samples()
    stamp = key_of([cell.grade_key, [row.model_dump(mode="json", exclude={"seconds"}) for row in samples]])
    path = store.verdicts_path(cell.grade_key)
    done = path.with_suffix(".done")
    items = selected_items(suite, cell.settings.limit)
    count = len(items) * cell.settings.runs
    if (
        path.exists()
        and done.is_file()
        and done.read_text() == stamp
        and store.whole(store.verdicts, cell.grade_key, count)
    ):
        return
    require_self_check(cell, suite, spec, store)
    replies: dict[tuple[str, int], dict[str, SampleRow]] = defaultdict(dict)
    for row in samples:
        replies[row.item, row.repeat][row.role] = row
    verdicts: list[VerdictRow] = []
    for repeat in range(cell.settings.runs):
        for item in items:
            progress("grade", len(verdicts), count)
            roles = [prompt.role for prompt in suite.prompts(item)]
            verdicts.append(_verdict(suite, item, repeat, roles, replies[item.id, repeat]))
    write_jsonl(path, (row.model_dump(mode="json") for row in verdicts))
    write_text(done, stamp)


def _verdict(suite: TaskSuite, item: Item, repeat: int, roles: list[str], rows: dict[str, SampleRow]) -> VerdictRow:
    errors = [
        f"{role}: {rows[role].error if role in rows else 'not asked'}" for role in roles if _reply(rows, role) is None
    ]
    base = VerdictRow(item=item.id, family=item.family, cluster=item.cluster, repeat=repeat)
    if errors:
        return base.model_copy(update={"error": "; ".join(errors)})
    replies: dict[str, Reply] = {role: reply for role in roles if (reply := _reply(rows, role)) is not None}
    truncated = any(reply.truncated for reply in replies.values())
    try:
        graded = suite.grade(item, replies)
        scores = isinstance(graded, Scores)
        verdict = checked(Scores, graded, "the suite") if scores else checked(Outcome, graded, "the suite")
        if odd := [name for name, value in _numbers(verdict).items() if not math.isfinite(value)]:
            raise ValueError(f"{odd[0]} is not finite")
    except (Exception, SystemExit) as error:  # a grader may raise anything; the sample stays in the denominator
        cause = f"grader: {described(error)}"[:LONGEST_CAUSE]
        return base.model_copy(update={"error": cause, "truncated": truncated})
    return base.model_copy(update={"verdict": verdict, "truncated": truncated})


def _numbers(verdict: Outcome | Scores) -> dict[str, float]:
    return verdict.measures if isinstance(verdict, Outcome) else verdict.values


def _reply(rows: dict[str, SampleRow], role: str) -> Reply | None:
    return rows[role].reply if role in rows else None
