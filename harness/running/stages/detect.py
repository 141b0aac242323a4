"""Run detectors over the stored replies. A detector sees views, which hold no truth."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from harness.contract import Detector, Flag, LabelledViews, Reply, TaskSuite, View
from harness.contract.records import checked
from harness.detection.tools import learns
from harness.detection.views import make_view
from harness.errors import StageError
from harness.planning.questions import selected_items
from harness.registry.component import blamed
from harness.store.files import write_jsonl, write_text
from harness.store.hashing import key_of
from harness.store.run import CellStore, FlagRow

if TYPE_CHECKING:
    from harness.planning.cells import Cell


def detect(
    cell: Cell,
    suite: TaskSuite,
    store: CellStore,
    detectors: Mapping[str, Detector],
    progress: Callable[[str, int, int], None],
) -> None:
    """Flags of each detector, by label, over every stored sample.

    A detector that has already seen these views is not run again, because a judge may cost money.
    """
    if not detectors:
        return
    asked = _views(cell, suite, store)
    stamp = key_of([(repeat, view.model_dump(mode="json")) for repeat, view in asked])
    for number, (label, detector) in enumerate(detectors.items()):
        progress("detect", number, len(detectors))
        path = store.flags_path(cell.detect_keys[label])
        done = path.with_suffix(".done")
        known = path.exists() and done.is_file() and done.read_text() == stamp
        if known and store.whole(store.flags, cell.detect_keys[label], len(asked)):
            continue
        if learns(detector):
            learned = suite.fitting_views() if isinstance(suite, LabelledViews) else ()
            detector.fit([entry.view for entry in learned], [entry.hack for entry in learned])
        views = [view for _, view in asked]
        with blamed(f"inspect() of {label}"):
            given = list(detector.inspect(views))
        flags = check_flags(label, views, given)
        rows = [
            FlagRow(item=view.item, repeat=repeat, flag=flag) for (repeat, view), flag in zip(asked, flags, strict=True)
        ]
        write_jsonl(path, (row.model_dump(mode="json") for row in rows))
        if not any(flag.unanswered for flag in flags):
            write_text(done, stamp)


def check_flags(label: str, views: Sequence[View], flags: Sequence[Flag]) -> list[Flag]:
    """Raises StageError for what is not one flag per view, or a score that is no share."""
    if len(flags) != len(views):
        raise StageError(f"detector {label} returned {len(flags)} flags for {len(views)} views")
    try:
        found = [checked(Flag, flag, f"detector {label}") for flag in flags]
    except TypeError as error:
        raise StageError(str(error), "a bug in the detector") from None
    for view, flag in zip(views, found, strict=True):
        if not (0 <= flag.score <= 1 or (flag.abstained and math.isfinite(flag.score))):
            raise StageError(f"detector {label} gives {view.item} the score {flag.score}", "a score is between 0 and 1")
    return found


def _views(cell: Cell, suite: TaskSuite, store: CellStore) -> list[tuple[int, View]]:
    replies: dict[tuple[str, int], dict[str, Reply]] = defaultdict(dict)
    for row in store.samples():
        if row.reply is not None and row.repeat < cell.settings.runs:
            replies[row.item, row.repeat][row.role] = row.reply
    return [
        (repeat, make_view(suite, item, replies[item.id, repeat], group=item.id))
        for repeat in range(cell.settings.runs)
        for item in selected_items(suite, cell.settings.limit)
        if (item.id, repeat) in replies
    ]
