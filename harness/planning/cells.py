"""A plan as data: cells with their stage keys, the contrasts between them, and the sizes known before any work."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from pydantic import Field, JsonValue, NonNegativeInt, TypeAdapter, ValidationError, model_validator

from harness.contract import Chat, Record
from harness.errors import UsageError
from harness.planning.experiment import MOST_RUNS, Experiment
from harness.planning.sizes import CompressionSize
from harness.registry.component import Component
from harness.registry.sources import ModelRef
from harness.store.hashing import key_of
from harness.store.plan_file import plan_text
from harness.store.run import PLAN_REMEDY, RunStore


class Settings(Record):
    """How a cell is sampled. `runs` is in no key: raising it adds samples and changes none."""

    runs: int = Field(ge=1, le=MOST_RUNS)
    temperature: float = Field(ge=0)
    top_p: float
    max_tokens: int | None
    limit: int | None = Field(ge=1)
    batch_size: int = Field(ge=1)
    device: str
    dtype: str
    chat: Chat = Chat()


class TrainsOn(Record):
    """The suite that a cell's trainer is given, and how the policy is asked it."""

    suite: Component
    chat: Chat = Chat()


class Cell(Record):
    """One row of work, as JSON: a model, what was done to it, and what it is asked. Stage keys are full sha256 hex."""

    id: str = Field(pattern=r"^[^/\x00]*[^/\x00.][^/\x00]*$")  # the name of its folder
    model: ModelRef
    trainer: Component
    compressor: Component
    suite: Component
    seed: int
    settings: Settings
    training_key: str | None  # None: not trained
    trained_key: str | None  # of the weights as deployed: the same, unless the trainer has deployment parameters
    compressed_key: str | None  # None: not compressed
    sample_key: str
    questions: str  # digest of the rendered prompts
    items: NonNegativeInt
    generations: NonNegativeInt  # replies to generate
    scored: int = 0  # texts to score
    asked: int = 0  # samples in all; several may share a text that is scored once
    grade_key: str = ""
    detectors: tuple[Component, ...] = ()
    detect_keys: dict[str, str] = {}  # by detector label
    trains_on: TrainsOn | None = None  # None: the cell's own suite, as it is asked
    monitor: Component | None = None  # the detector that steers this arm's training
    parts: str | None = None  # of what the weights are put together, where other cells' weights are too
    notes: tuple[str, ...] = ()  # what a reader of plan and report must know of how it is asked

    @property
    def training(self) -> TrainsOn | None:
        """What the cell's trainer trains on; None for a cell that is not trained."""
        if self.trainer.untouched:
            return None
        return self.trains_on or TrainsOn(suite=self.suite, chat=self.settings.chat)

    def monitored_by(self, detector: Component) -> bool:
        """Whether the trainer had this detector, or another preset of its plugin, as its monitor."""
        return self.monitor is not None and self.monitor.plugin == detector.plugin

    @property
    def keys(self) -> dict[str, JsonValue]:
        """Stage -> its key; None for a stage that this cell goes without."""
        return {
            "train": self.training_key,
            "deploy": self.trained_key,
            "compress": self.compressed_key,
            "sample": self.sample_key,
            "grade": self.grade_key,
            "detect": dict(self.detect_keys),
        }

    @property
    def weights_key(self) -> str:
        """The weights this cell samples: cells that share it share a worker."""
        return self.compressed_key or self.trained_key or self.model.digest


# What many cells of a plan have alike: stored once, and one object in memory.
SHARED = (
    "model", "trainer", "compressor", "suite", "settings", "questions", "detectors", "trains_on", "monitor", "notes",
)  # fmt: skip


class Contrast(Record):
    """Two cells that differ in one factor. The plan's list of them is the multiplicity family."""

    base: str
    other: str
    factor: str  # "compressor", "trainer" or "control"


class Plan(Record):
    experiment: Experiment
    cells: tuple[Cell, ...] = Field(min_length=1)
    contrasts: tuple[Contrast, ...]
    sizes: dict[str, CompressionSize]  # by compressed_key

    @model_validator(mode="after")
    def _names_its_cells(self) -> Plan:
        ids = {cell.id for cell in self.cells}
        if len(ids) < len(self.cells):
            raise ValueError("two cells have one id")
        if not ids.issuperset(name for contrast in self.contrasts for name in (contrast.base, contrast.other)):
            raise ValueError("a contrast is with a cell that is not in the plan")
        return self

    @classmethod
    def of(cls, store: RunStore) -> Plan:
        """The stored plan of a run. Raises UsageError if there is none, or a damaged one."""
        stored = store.read_plan()
        try:
            return cls.model_validate({**stored, "cells": _sharing(stored.get("cells", []))})
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise UsageError(f"cannot read {store.plan_path}: {where}: {first['msg']}", PLAN_REMEDY) from None

    @property
    def text(self) -> str:
        """As plan.json holds it. `of` reads it again."""
        rest = self.model_dump(mode="json", include={"contrasts", "sizes"})
        return plan_text(self.experiment, self.cells, SHARED, rest)

    @property
    def name(self) -> str:
        """Run-folder name: the frame in which cells are comparable, as it was typed. Arms and repeats are not in it, so
        adding some to the same command continues in the same folder."""
        experiment = self.experiment
        if experiment.name:
            return slug(experiment.name)
        arms = {"trainer", "compressor", "detectors", "runs", "seeds", "baseline", "params"}
        arms |= {"name", "trainers", "compressors", "suites"}
        if experiment.backend is None:
            arms |= {"backend", "backend_args"}
        arms |= {
            name
            for name in ("chat_template", "template_args", "system", "train_on")
            if getattr(experiment, name) in (None, {})
        }
        asked = {name for cell in self.cells for name in (cell.suite.label, cell.suite.plugin)}
        questions = {name: given for name, given in experiment.params.items() if name in asked}
        presets = {cell.suite.preset for cell in self.cells} | {experiment.train_on}
        suites = {
            name: {key: value for key, value in table.items() if key != "summary"}
            for name, table in experiment.suites.items()
            if name in presets
        }
        described = experiment.model_dump(mode="json", exclude=arms)
        extra = {name: given for name, given in (("params", questions), ("suites", suites)) if given}
        frame = key_of({**described, **extra})[:8]
        models = "-".join(dict.fromkeys(slug(cell.model.name) for cell in self.cells))
        return f"{'-'.join(slug(task) for task in experiment.tasks)}-{models}-{frame}"

    @property
    def notes(self) -> list[str]:
        """One line for each thing that a reader of the plan must know."""
        return [
            *self.training_notes,
            *self.monitor_notes,
            *self.control_notes,
            *dict.fromkeys(note for cell in self.cells for note in cell.notes),
        ]

    @property
    def training_notes(self) -> list[str]:
        """One line for each suite that arms are trained on without being judged on it alone."""
        arms: dict[str, dict[str, None]] = {}
        for cell in self.cells:
            if cell.trains_on:
                arms.setdefault(cell.trains_on.suite.label, {})[cell.trainer.label] = None
        judged = ", ".join(dict.fromkeys(cell.suite.label for cell in self.cells))
        return [f"trained on {suite}: {', '.join(trainers)}; judged on {judged}" for suite, trainers in arms.items()]

    @property
    def monitor_notes(self) -> list[str]:
        """One line per selected detector that may not grade an arm because it steered the arm's training."""
        apart = [
            f"{one.label} steers the training of {cell.trainer.label} and does not grade it"
            for cell in self.cells
            for one in cell.detectors
            if cell.monitored_by(one)
        ]
        return list(dict.fromkeys(apart))

    @property
    def control_notes(self) -> list[str]:
        """One line per trainer of which a control does not run: what the arm does may be what any arm of its size does."""
        run = {cell.trainer.label for cell in self.cells}
        lacking = {cell.trainer.label: [one for one in cell.trainer.control if one not in run] for cell in self.cells}
        return [f"{arm} runs without its control {', '.join(names)}" for arm, names in lacking.items() if names]


def _sharing(cells: list[Any]) -> list[Any]:
    """Cells as they were read, in which what is one object is validated once."""
    kinds = {name: TypeAdapter[Any](Cell.model_fields[name].annotation or Any) for name in SHARED}
    counts = Counter((name, id(cell.get(name))) for cell in cells if isinstance(cell, dict) for name in SHARED)
    made: dict[tuple[str, int], Any] = {}

    def value(name: str, read: Any) -> Any:
        key = name, id(read)
        if counts[key] < 2 or not isinstance(read, dict | list):
            return read
        if key not in made:
            made[key] = kinds[name].validate_python(read)
        return made[key]

    return [
        {name: value(name, read) if name in kinds else read for name, read in cell.items()}
        if isinstance(cell, dict)
        else cell
        for cell in cells
    ]


def slug(label: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.@+-]+", "-", label.rstrip("/").rpartition("/")[2] or label).strip("-")[:48]
