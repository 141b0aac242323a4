"""Run the stages of cells, one cell after another, in one process. What is already done, by key, is not done again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from harness.contract import AgainstSource, Detector, OwnLoop, Spec, TaskSuite
from harness.detection.activations import Activations
from harness.detection.tools import make_tools, not_applicable
from harness.detection.views import references
from harness.errors import PluginError
from harness.lm_eval.backends.known import backend_info
from harness.planning.cells import Cell
from harness.planning.questions import count_questions
from harness.registry.catalogue import Catalogue
from harness.registry.component import build
from harness.registry.sources import locate_model
from harness.running.stages.dense import dense_form
from harness.running.stages.detect import detect
from harness.running.stages.fidelity import sample_against_source
from harness.running.stages.grade import grade
from harness.running.stages.sample import (
    ModelCache,
    Progress,
    Question,
    missing_samples,
    questions,
    sample,
    sample_with_library,
)
from harness.running.stages.sample_backend import BackendCache, sample_through
from harness.running.stages.weights import cell_weights, finished_weights, weight_facts
from harness.sandbox import replaced_workers
from harness.store.remote import store_retries
from harness.store.run import CellState, RunStore, SampleRow

if TYPE_CHECKING:
    from harness.models.generate import Generator


class CellRunner:
    """Keeps the last model loaded between cells, because a worker gets cells that share one."""

    def __init__(self, run: RunStore, catalogue: Catalogue, progress: Progress) -> None:
        self.run = run
        self.catalogue = catalogue
        self.progress = progress
        self.models = ModelCache()
        self.backends = BackendCache()
        catalogue.plugins.register_sandboxes()

    def __call__(self, cell: Cell) -> CellState:
        """Bring one cell to the end of its last stage. Raises whatever a stage raises; what was stored stays stored."""
        store = self.run.cell(cell.id)
        self.progress("load", 0, 0)  # a suite's items may be a data set to read
        suite = self.suite(cell)
        before, lost, asked_again = store.state, replaced_workers(), store_retries()
        seconds = dict(before.seconds)
        failures = self.catalogue.plugins.hook_errors
        failures.clear()
        if missing_samples(cell, suite, store):
            folder = None  # a server has the weights
            if cell.model.path:
                with _timed(seconds, "weights"):
                    folder = cell_weights(cell, self.catalogue, self.run, self.progress)
                store.set_weights(weight_facts(folder))  # before the first sample: no kill falls between
            with _timed(seconds, "sample"):
                self._sample(cell, suite, folder)
            store.set_state(before.model_copy(update={"state": "pending", "error": None, "seconds": seconds}))
        elif store.weights is None and (made := finished_weights(cell)):
            store.set_weights(weight_facts(made))
        self.judge(cell, suite, seconds)
        state = CellState(
            state="done",
            seconds=seconds,
            workers_replaced=before.workers_replaced + replaced_workers() - lost,
            store_retries=before.store_retries + store_retries() - asked_again,
            hook_errors=Counter(failures) or before.hook_errors,
        )
        store.set_state(state)
        return state

    def _sample(self, cell: Cell, suite: TaskSuite, folder: Path | None) -> None:
        if count_questions(suite, cell.settings).digest != cell.questions:
            raise PluginError(
                f"{cell.suite.label} asks other questions than the plan has",
                "its items() and prompts() must give the same each time: draw by a seed",
            )
        self.ask(cell, suite, questions(cell, suite), folder)

    def ask(self, cell: Cell, suite: TaskSuite, asked: Sequence[Question], folder: Path | None) -> None:
        """Store a reply to each question that has none; `folder` has the weights, unless a server has them."""
        store = self.run.cell(cell.id)

        def stored(rows: Sequence[SampleRow]) -> None:
            for row in rows:
                if row.reply is not None:
                    named = {"item": row.item, "role": row.role, "repeat": row.repeat}
                    self.catalogue.plugins.notify("harness_sample", cell=cell, reply=row.reply, **named)

        if cell.model.backend is None:
            assert folder is not None
            if isinstance(suite, OwnLoop):
                generator = self.models.get(folder, cell.settings)
                sample_with_library(cell, suite, asked, generator, store, self.progress)
            elif isinstance(suite, AgainstSource):
                sample_against_source(cell, asked, folder, store, self.models, stored, self.progress)
            else:
                sample(cell, suite, asked, folder, store, self.models, stored, self.progress)
        else:
            if folder is not None and backend_info(cell.model.backend.name).dense:
                folder = dense_form(folder, cell.settings.dtype)
            sample_through(cell, suite, asked, folder, store, self.backends, stored, self.progress)

    def judge(self, cell: Cell, suite: TaskSuite, seconds: dict[str, float]) -> None:
        """Grade the stored replies and run the detectors. Needs no model unless a detector reads activations."""
        store = self.run.cell(cell.id)
        with _timed(seconds, "grade"):
            grade(cell, suite, self._spec(cell), store, self.progress)
        with _timed(seconds, "detect"):
            detect(cell, suite, store, self._detectors(cell, suite), self.progress)

    def regrade(self, cell: Cell) -> None:
        """Grade and detect again from the stored replies alone."""
        self.judge(cell, self.suite(cell), {})

    def _detectors(self, cell: Cell, suite: TaskSuite) -> dict[str, Detector]:
        """The detectors that may judge this cell, by label. The others appear in the report as "not applicable:
        reason"."""
        found: dict[str, Detector] = {}
        if not cell.detectors:
            return found
        reference = references(suite, suite.items())
        for component in cell.detectors:
            spec, _ = self.catalogue.spec("detectors", component.plugin)
            if cell.monitored_by(component) or not_applicable(component, spec, cell.model):
                continue
            detector: Detector = build(component, spec)
            detector.tools = make_tools(
                component,
                spec,
                str(cell.suite.params.get("sandbox", "bwrap")),
                reference,
                lambda name: locate_model(name, self.catalogue).path,
                cell.settings.device,
                cell.settings.dtype,
                self._activations(cell),
            )
            found[component.label] = detector
        return found

    def _activations(self, cell: Cell) -> Activations:
        def generator() -> Generator:
            folder = cell_weights(cell, self.catalogue, self.run, self.progress)
            return self.models.get(folder, cell.settings)

        return Activations(generator, partial(self.progress, "read"))

    def suite(self, cell: Cell) -> TaskSuite:
        return build(cell.suite, self._spec(cell))

    def _spec(self, cell: Cell) -> Spec:
        return self.catalogue.spec("tasks", cell.suite.plugin)[0]


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    """Add to the stage's seconds: a resumed cell's time is the sum over its attempts."""
    started = time.perf_counter()
    try:
        yield
    finally:
        seconds[stage] = round(seconds.get(stage, 0.0) + time.perf_counter() - started, 3)
