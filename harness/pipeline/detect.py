"""Run detectors over the stored replies. A detector sees views, which hold no truth."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from harness.contract import Detector, Flag, Reply, TaskSuite, View
from harness.errors import StageError
from harness.plan import Cell, selected_items
from harness.registry import Catalogue
from harness.registry.catalogue import build
from harness.store import CellStore, FlagRow, write_jsonl

PROVIDED = frozenset({"text", "group"})  # what every run can give a detector


def detect(
    cell: Cell, suite: TaskSuite, store: CellStore, catalogue: Catalogue, progress: Callable[[str, int, int], None]
) -> None:
    """Flags per detector whose needs are met; the others are "not applicable" rows of the report, not errors."""
    if not cell.detectors:
        return
    asked = _views(cell, suite, store)
    for number, component in enumerate(cell.detectors):
        progress("detect", number, len(cell.detectors))
        spec, _ = catalogue.spec("detectors", component.plugin)
        if not_applicable(component.plugin, catalogue):
            continue
        detector: Detector = build(component, spec)
        flags = list(detector.inspect([view for _, view in asked]))
        if len(flags) != len(asked) or not all(isinstance(flag, Flag) for flag in flags):
            raise StageError(f"detector {component.label} returned {len(flags)} flags for {len(asked)} views")
        rows = [
            FlagRow(item=view.item, repeat=repeat, flag=flag) for (repeat, view), flag in zip(asked, flags, strict=True)
        ]
        path = store.flags_path(cell.detect_keys[component.label])
        write_jsonl(path, (row.model_dump(mode="json") for row in rows))


def not_applicable(plugin: str, catalogue: Catalogue) -> str | None:
    """Why a run cannot use this detector, or None."""
    missing = sorted(catalogue.spec("detectors", plugin)[0].needs - PROVIDED)
    return f"needs {', '.join(missing)}, which this run does not provide" if missing else None


def _views(cell: Cell, suite: TaskSuite, store: CellStore) -> list[tuple[int, View]]:
    replies: dict[tuple[str, int], dict[str, Reply]] = defaultdict(dict)
    for row in store.samples():
        if row.reply is not None and row.repeat < cell.settings.runs:
            replies[row.item, row.repeat][row.role] = row.reply
    return [
        (repeat, suite.view(item, replies[item.id, repeat]).model_copy(update={"group": item.id}))
        for repeat in range(cell.settings.runs)
        for item in selected_items(suite, cell.settings.limit)
        if (item.id, repeat) in replies
    ]
