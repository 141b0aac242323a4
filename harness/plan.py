"""Experiment -> plan: the cross product as cells whose stages have content-addressed keys, and the contrasts between them.

A key is the hash of everything a stage's result depends on: code, parameters, input, dtype, device kind. Equal keys are the
same work, done once. Sampling is keyed by the prompts themselves, not by the suite's code, so a mended grader keeps samples.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence

from pydantic import JsonValue

from harness.backends.locate import refuse_what_it_cannot
from harness.compressions import CompressionSize, size_of
from harness.contract import ModelShape, Prompt, Record, TaskSuite
from harness.devices import resolve_device, resolve_dtype
from harness.errors import UsageError
from harness.experiment import Experiment
from harness.hashing import COMPRESSION_CODE, core_digest, key_of, params_files
from harness.registry import Catalogue, Component
from harness.registry.catalogue import NONE
from harness.selection import Selection
from harness.sources import ModelRef, model_shape

SAMPLING_CODE = ("models", "pipeline/sample.py")
BACKEND_CODE = ("backends", "models", "pipeline/sample.py")
TRAINING_CODE = ("models",)


class Settings(Record):
    """How a cell is sampled. `runs` is left out of every key: raising it adds samples, it changes none."""

    runs: int
    temperature: float
    top_p: float
    max_tokens: int | None
    limit: int | None
    batch_size: int
    device: str
    dtype: str


class Cell(Record):
    """One row of work, as JSON: a model, what was done to it, and what it is asked. Stage keys are full sha256 hex."""

    id: str
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
    items: int
    generations: int
    grade_key: str = ""
    detectors: tuple[Component, ...] = ()
    detect_keys: dict[str, str] = {}  # by detector label
    monitor: Component | None = None  # the detector that steers this arm's training

    def steered_by(self, detector: Component) -> bool:
        """Whether the trainer had this detector, or another preset of its plugin, as its monitor."""
        return self.monitor is not None and self.monitor.plugin == detector.plugin

    @property
    def model_key(self) -> str:
        """The weights this cell samples: cells that share it share a worker."""
        return self.compressed_key or self.trained_key or self.model.digest


class Contrast(Record):
    """Two cells that differ in one factor. The plan's list of them is the multiplicity family."""

    base: str
    other: str
    factor: str  # "compressor", "trainer" or "control"


class Plan(Record):
    experiment: Experiment
    cells: tuple[Cell, ...]
    contrasts: tuple[Contrast, ...]
    sizes: dict[str, CompressionSize]  # by compressed_key

    @property
    def name(self) -> str:
        """Run-folder name: the frame in which cells are comparable. Arms and repeats are not in it, so adding some
        to the same command continues in the same folder."""
        experiment = self.experiment
        if experiment.name:
            return _slug(experiment.name)
        arms = {"trainer", "compressor", "detectors", "runs", "seeds", "baseline", "params"}
        arms |= {"name", "trainers", "compressors"}
        if experiment.backend is None:
            arms |= {"backend", "backend_args"}
        frame = key_of(experiment.model_dump(mode="json", exclude=arms))[:8]
        models = "-".join(dict.fromkeys(_slug(cell.model.name) for cell in self.cells))
        return f"{'-'.join(_slug(task) for task in experiment.tasks)}-{models}-{frame}"

    @property
    def separations(self) -> list[str]:
        """A line for each selected detector that may not judge an arm, for it steered its training."""
        apart = [
            f"{one.label} steers the training of {cell.trainer.label} and does not grade it"
            for cell in self.cells
            for one in cell.detectors
            if cell.steered_by(one)
        ]
        return list(dict.fromkeys(apart))


def make_plan(experiment: Experiment, catalogue: Catalogue, say: Callable[[str], None] = lambda what: None) -> Plan:
    """Resolve every name, hash every input, and lay out the cells. Imports neither torch nor transformers. `say` is told
    what is being read: a task's data set can take its time."""
    if not experiment.tasks:
        raise UsageError("no tasks selected", "add --tasks, e.g. --tasks goodhart7; `harness list tasks` names them")
    if experiment.trainers or experiment.compressors:
        own = {"trainers": experiment.trainers, "compressors": experiment.compressors}
        catalogue = catalogue.joined(own, "experiment file")
    chosen = Selection(experiment, catalogue)
    device = resolve_device(experiment.device)
    settings = Settings(
        runs=experiment.runs,
        temperature=experiment.temperature,
        top_p=experiment.top_p,
        max_tokens=experiment.max_tokens,
        limit=experiment.limit,
        batch_size=experiment.batch_size,
        device=device,
        dtype=resolve_dtype(experiment.dtype, device),
    )
    cells: list[Cell] = []
    sizes: dict[str, CompressionSize] = {}
    shapes: dict[str, ModelShape] = {}
    for label, name in chosen.asked:
        say(f"{label} for {name}")
        suite, model = chosen.suite(label, name), chosen.locate(name)
        chosen.keep_apart(suite, model)
        asker = chosen.suite_of(suite)
        if chosen.backend:
            refuse_what_it_cannot(chosen.backend, asker, label, chosen.trainers, chosen.compressors)
        once = settings.model_copy(update={"runs": 1}) if asker.asks else settings  # a library asks once, its own way
        questions = _questions(asker, once)
        for trainer, compressor, seed in itertools.product(chosen.trainers, chosen.compressors, experiment.seeds):
            monitor = chosen.monitor(trainer)
            cell = _cell(model, trainer, monitor, compressor, suite, seed, chosen.detectors, once, questions)
            cells.append(cell)
            if cell.compressed_key and cell.compressed_key not in sizes:
                shape = shapes.setdefault(model.digest, model_shape(model))
                sizes[cell.compressed_key] = size_of(compressor, shape, catalogue)
    return Plan(experiment=experiment, cells=tuple(cells), contrasts=tuple(_contrasts(cells)), sizes=sizes)


class _Questions(Record):
    items: int
    prompts: int
    digest: str


def selected_items(suite: TaskSuite, limit: int | None) -> list:
    items = list(suite.items())
    return items[:limit] if limit else items


def limited(prompt: Prompt, max_tokens: int | None) -> Prompt:
    """The prompt with the run's own token limit, where one was given."""
    return prompt.model_copy(update={"max_tokens": max_tokens}) if max_tokens else prompt


def _questions(suite: TaskSuite, settings: Settings) -> _Questions:
    """Count and digest what will be asked: item ids, roles and rendered prompts."""
    items = selected_items(suite, settings.limit)
    asked = [
        [item.id, limited(prompt, settings.max_tokens).model_dump(mode="json")]
        for item in items
        for prompt in suite.prompts(item)
    ]
    if not asked:
        raise UsageError("the suite has no items")
    return _Questions(items=len(items), prompts=len(asked), digest=key_of(asked))


def _cell(
    model: ModelRef,
    trainer: Component,
    monitor: Component | None,
    compressor: Component,
    suite: Component,
    seed: int,
    detectors: tuple[Component, ...],
    settings: Settings,
    questions: _Questions,
) -> Cell:
    where = {"device": settings.device.partition(":")[0], "dtype": settings.dtype}
    training_key = trained_key = compressed_key = None
    if not trainer.untouched:
        deployment = {name: value for name, value in trainer.params.items() if name in trainer.deployment}
        learned = {name: value for name, value in trainer.params.items() if name not in deployment}
        identity: dict[str, JsonValue] = {
            "train": {**trainer.identity, "params": learned},
            "model": model.digest,
            "suite": suite.identity,
            "seed": seed,
            "core": core_digest(*TRAINING_CODE),
            **where,
        }
        if monitor:
            identity["monitor"] = monitor.identity
        if files := params_files(trainer.params):
            identity["files"] = dict(files)
        training_key = key_of(identity)
        trained_key = key_of({"training": training_key, "deploy": deployment}) if deployment else training_key
    if not compressor.untouched:
        compressed_key = key_of(
            {
                "compress": compressor.identity,
                "model": trained_key or model.digest,
                "calibration": model.calibration_digest,
                "core": core_digest(*COMPRESSION_CODE),
                **where,
            }
        )
    sampling = settings.model_dump(mode="json", exclude={"runs", "device", "limit", "max_tokens"})
    sample_key = key_of(
        {
            "sample": questions.digest,
            "suite": suite.preset,  # names the noise stream
            "model": compressed_key or trained_key or model.digest,
            "seed": seed,
            "core": core_digest(*(BACKEND_CODE if model.backend else SAMPLING_CODE)),
            **({"backend": model.backend.identity} if model.backend else {}),
            **sampling,
            **where,
        }
    )
    labels = (
        [trainer.label, compressor.label, suite.label] if not trainer.untouched else [compressor.label, suite.label]
    )
    cell = Cell(
        id=f"{_slug(model.name)}--{'--'.join(_slug(label) for label in labels)}--s{seed}--{sample_key[:8]}",
        model=model,
        trainer=trainer,
        compressor=compressor,
        suite=suite,
        seed=seed,
        settings=settings,
        training_key=training_key,
        trained_key=trained_key,
        compressed_key=compressed_key,
        sample_key=sample_key,
        questions=questions.digest,
        items=questions.items,
        generations=questions.prompts * settings.runs,
        monitor=monitor,
    )
    return with_judges(cell, suite, detectors)


def with_judges(cell: Cell, suite: Component, detectors: tuple[Component, ...]) -> Cell:
    """The same samples under these graders and detectors: only the keys that depend on them are new."""
    identity = {"suite": suite.identity, "samples": cell.sample_key}
    return cell.model_copy(
        update={
            "suite": suite,
            "grade_key": key_of({"grade": identity}),
            "detectors": detectors,
            "detect_keys": {one.label: key_of({"detect": one.identity, **identity}) for one in detectors},
        }
    )


def _contrasts(cells: Sequence[Cell]) -> list[Contrast]:
    """A compressor against `none` under the same trainer and seed; a trainer against `vanilla`, else `none`; an arm
    against its control. Only cells of one model, suite and seed are ever paired."""
    by_arms = {(c.model.digest, c.suite.label, c.seed, c.trainer.label, c.compressor.label): c for c in cells}
    found: dict[tuple[str, str], Contrast] = {}
    controls: list[tuple[Cell, Cell]] = []
    for cell in cells:
        frame = (cell.model.digest, cell.suite.label, cell.seed)
        trainer, compressor = cell.trainer, cell.compressor
        controlled = by_arms.get((*frame, trainer.label, compressor.of.label)) if compressor.of else None
        if controlled:
            controls.append((cell, controlled))
        only_a_draw = compressor.draw_of and controlled  # it stands beside what it controls, not on its own
        compressor_bases = () if compressor.untouched or only_a_draw else (NONE, compressor.control)
        trainer_bases = () if trainer.untouched else (_trainer_base(trainer, cells), trainer.control)
        for base in compressor_bases:
            _pair(found, by_arms.get((*frame, trainer.label, base or "")), cell, "compressor")
        for base in trainer_bases:
            _pair(found, by_arms.get((*frame, base or "", compressor.label)), cell, "trainer")
    for control, controlled in controls:  # last: an arm's first contrast stands beside it in the results
        _pair(found, control, controlled, "control")
    return list(found.values())


def _pair(found: dict[tuple[str, str], Contrast], base: Cell | None, other: Cell, factor: str) -> None:
    if base is not None and base.id != other.id:
        found.setdefault((base.id, other.id), Contrast(base=base.id, other=other.id, factor=factor))


def _trainer_base(trainer: Component, cells: Sequence[Cell]) -> str:
    """The plain arm of the same training, where the run has one; a preset names it as `base`, else it is `none`."""
    labels = {cell.trainer.label for cell in cells}
    return trainer.base if trainer.base and trainer.base in labels - {trainer.label} else NONE


def _slug(label: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.@+-]+", "-", label.rstrip("/").rpartition("/")[2] or label).strip("-")[:48]
