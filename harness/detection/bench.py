"""Detectors on a suite's labelled bench: each is measured on the half that it was not written against.

One that learns is fitted on the half `rules`, and again for each mechanism with that mechanism left out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.contract import Detector, Flag, LabelledView, LabelledViews
from harness.detection.tools import learns, make_tools, not_applicable
from harness.errors import PluginError, StageError
from harness.registry.capabilities import require_capability
from harness.registry.catalogue import Catalogue
from harness.registry.component import Component, build
from harness.registry.sources import ModelRef, locate_model
from harness.store.files import write_jsonl
from harness.store.hashing import key_of
from harness.store.paths import cache_folder
from harness.store.run import stored_rows

if TYPE_CHECKING:
    from harness.detection.activations import Activations

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Reader:
    """The model that reads the bench's programs for detectors of activations."""

    model: ModelRef
    activations: Activations


@dataclass(frozen=True)
class BenchResult:
    """One detector's flags on the bench, in its order. `left_out` holds, by mechanism, those of a detector that was
    fitted without that mechanism."""

    detector: str
    flags: tuple[Flag, ...] = ()
    left_out: Mapping[str, tuple[Flag, ...]] = field(default_factory=dict)
    seconds: float | None = None  # that a view took, fitting not counted
    not_applicable: str | None = None


def labelled_bench(suite: Component, catalogue: Catalogue, progress: Progress) -> Sequence[LabelledView]:
    """The suite's bench, built once for the same code and parameters and then kept in the cache folder.

    Raises UsageError when the suite has none.
    """
    path = cache_folder() / "benches" / f"{key_of({'bench': suite.identity})[:32]}.jsonl"
    if path.is_file():
        return stored_rows(path, LabelledView)
    cause = f"{suite.label} has no labelled views to measure detectors on"
    made = build(suite, catalogue.spec("tasks", suite.plugin)[0])
    labelled = require_capability(made, LabelledViews, cause, catalogue)
    progress(f"building the labelled bench of {suite.label}")
    bench = labelled.bench()
    if not bench:
        raise PluginError(f"bench() of {suite.label} returned no views")
    write_jsonl(path, (entry.model_dump(mode="json") for entry in bench))
    return bench


def examine(
    component: Component,
    bench: Sequence[LabelledView],
    sandbox: str,
    catalogue: Catalogue,
    progress: Progress,
    reader: Reader | None = None,
) -> BenchResult:
    """Ask one detector about the half `report` of the bench; `reader` is the model whose activations it may see."""
    spec, _ = catalogue.spec("detectors", component.plugin)
    if reason := not_applicable(component, spec, reader.model if reader else None):
        return BenchResult(component.label, not_applicable=reason)
    if "reference" in spec.needs and not any(entry.reference for entry in bench):
        return BenchResult(component.label, not_applicable="needs reference, which these replies do not have")
    progress(f"asking {component.label}")
    written = [entry for entry in bench if entry.half == "rules"]
    reported = [entry for entry in bench if entry.half == "report"]
    references = {entry.view.item: entry.reference for entry in bench}
    tools = make_tools(
        component,
        spec,
        sandbox,
        lambda view: references[view.item],
        lambda name: locate_model(name, catalogue).path,
        "auto",
        "auto",
        reader.activations if reader else None,
    )

    def flags(fitted_on: Sequence[LabelledView]) -> tuple[tuple[Flag, ...], float]:
        detector: Detector = build(component, spec)
        detector.tools = tools
        if learns(detector):
            detector.fit([entry.view for entry in fitted_on], [entry.hack for entry in fitted_on])
        started = time.perf_counter()
        found = tuple(detector.inspect([entry.view for entry in reported]))
        took = time.perf_counter() - started
        if len(found) != len(reported):
            raise StageError(f"detector {component.label} returned {len(found)} flags for {len(reported)} views")
        return found, took

    found, took = flags(written)  # before the others, which find activations read already
    left_out: dict[str, tuple[Flag, ...]] = {}
    if learns(build(component, spec)):
        for mechanism in dict.fromkeys(entry.mechanism for entry in written if entry.hack):
            left_out[mechanism], _ = flags([entry for entry in written if entry.mechanism != mechanism])
    return BenchResult(component.label, found, left_out, seconds=took / max(1, len(reported)))
