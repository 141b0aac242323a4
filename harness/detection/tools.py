"""What a detector gets besides views, and whether a run can provide it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from harness.contract import Detector, Tools, View
from harness.detection.judge import open_judge
from harness.errors import StageError
from harness.planning.judges import wants_judge

if TYPE_CHECKING:
    from harness.contract import Spec
    from harness.detection.activations import Activations
    from harness.registry.component import Component
    from harness.registry.sources import ModelRef
    from harness.sandbox import Sandbox

PROVIDED = frozenset({"text", "group", "exec", "reference"})  # what a run can give a detector


def learns(detector: Detector) -> bool:
    """Does it learn from labelled views?"""
    return type(detector).fit is not Detector.fit


def not_applicable(component: Component, spec: Spec, model: ModelRef | None) -> str | None:
    """Why the detector of that spec cannot be used on what the model said, or None."""
    given = PROVIDED | {"judge"} if wants_judge(component.params) else PROVIDED
    if model is not None and model.path:  # its weights are here
        given |= {"activations"}
    missing = sorted(spec.needs - given)
    return f"needs {', '.join(missing)}, which this run does not provide" if missing else None


def make_tools(
    component: Component,
    spec: Spec,
    sandbox_kind: str,
    reference: Callable[[View], str | None],
    locate: Callable[[str], str],
    device: str,
    dtype: str,
    activations: Activations | None = None,
) -> Tools:
    """Only what the detector declared. `locate` turns the name of a judge's model into a folder."""
    needs = spec.needs

    def sandbox() -> Sandbox:
        from harness.sandbox import open_sandbox

        return open_sandbox(sandbox_kind)

    def source(view: View) -> str:
        found = reference(view)
        if found is None:
            raise StageError(f"there is no canonical solution of {view.item}", f"leave out {component.label}")
        return found

    return Tools(
        sandbox=sandbox if "exec" in needs else None,
        reference=source if "reference" in needs else None,
        activations=activations if "activations" in needs else None,
        judge=open_judge(component.params, locate, device, dtype) if "judge" in needs else None,
    )
