"""Run detectors over the stored replies. A detector sees views, which hold no truth."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING

from harness.contract import Detector, Flag, Reply, TaskSuite, Tools, View, by_id
from harness.errors import StageError
from harness.hashing import key_of
from harness.judging import open_judge, wants_judge
from harness.plan import Cell, selected_items
from harness.registry import Catalogue
from harness.registry.catalogue import Component, build
from harness.sources import ModelRef, locate_model
from harness.store import CellStore, FlagRow, write_jsonl

if TYPE_CHECKING:
    from harness.reading import Activations
    from harness.sandbox import Sandbox

PROVIDED = frozenset({"text", "group", "exec", "reference"})  # what a run can give a detector


def detect(
    cell: Cell,
    suite: TaskSuite,
    store: CellStore,
    catalogue: Catalogue,
    activations: Activations,
    progress: Callable[[str, int, int], None],
) -> None:
    """Flags per detector whose needs are met; the others are "not applicable" rows of the report, not errors.

    A detector that has seen these views before is not asked again: a judge may cost money.
    """
    if not cell.detectors:
        return
    asked = _views(cell, suite, store)
    stamp = key_of([(repeat, view.model_dump(mode="json")) for repeat, view in asked])
    items = by_id(suite.items())
    sandbox = str(cell.suite.params.get("sandbox", "bwrap"))
    place = cell.settings.device, cell.settings.dtype

    def reference(view: View) -> str | None:
        return suite.reference(items[view.item])

    for number, component in enumerate(cell.detectors):
        progress("detect", number, len(cell.detectors))
        spec, _ = catalogue.spec("detectors", component.plugin)
        if cell.steered_by(component) or not_applicable(component, catalogue, cell.model):
            continue
        path = store.flags_path(cell.detect_keys[component.label])
        done = path.with_suffix(".done")
        if path.exists() and done.exists() and done.read_text() == stamp:
            continue
        detector: Detector = build(component, spec)
        detector.tools = make_tools(component, catalogue, sandbox, reference, *place, activations)
        if fits(detector):
            learned = suite.fitting()
            detector.fit([entry.view for entry in learned], [entry.hack for entry in learned])
        flags = list(detector.inspect([view for _, view in asked]))
        if len(flags) != len(asked) or not all(isinstance(flag, Flag) for flag in flags):
            raise StageError(f"detector {component.label} returned {len(flags)} flags for {len(asked)} views")
        rows = [
            FlagRow(item=view.item, repeat=repeat, flag=flag) for (repeat, view), flag in zip(asked, flags, strict=True)
        ]
        write_jsonl(path, (row.model_dump(mode="json") for row in rows))
        if not any(flag.unanswered for flag in flags):
            done.write_text(stamp)


def fits(detector: Detector) -> bool:
    """Does it learn from labelled views?"""
    return type(detector).fit is not Detector.fit


def not_applicable(component: Component, catalogue: Catalogue, model: ModelRef | None) -> str | None:
    """Why this detector cannot be used on what the model said, or None."""
    given = PROVIDED | {"judge"} if wants_judge(component.params) else PROVIDED
    if model is not None and model.path:  # its weights are here
        given |= {"activations"}
    missing = sorted(catalogue.spec("detectors", component.plugin)[0].needs - given)
    return f"needs {', '.join(missing)}, which this run does not provide" if missing else None


def make_tools(
    component: Component,
    catalogue: Catalogue,
    sandbox_kind: str,
    reference: Callable[[View], str | None],
    device: str,
    dtype: str,
    activations: Activations | None = None,
) -> Tools:
    """What the detector declared, and nothing more."""
    needs = catalogue.spec("detectors", component.plugin)[0].needs

    def sandbox() -> Sandbox:
        from harness.sandbox import open_sandbox

        return open_sandbox(sandbox_kind)

    def source(view: View) -> str:
        found = reference(view)
        if found is None:
            raise StageError(f"there is no canonical solution of {view.item}", f"leave out {component.label}")
        return found

    def locate(name: str) -> str:
        return locate_model(name, catalogue).path

    return Tools(
        sandbox=sandbox if "exec" in needs else None,
        reference=source if "reference" in needs else None,
        activations=activations if "activations" in needs else None,
        judge=open_judge(component.params, locate, device, dtype) if "judge" in needs else None,
    )


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
