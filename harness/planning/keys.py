"""The content-addressed keys of a cell's stages."""

from __future__ import annotations

from pydantic import JsonValue

from harness.contract import Chat
from harness.planning.cells import Cell, Settings, TrainsOn, slug
from harness.planning.questions import Questions
from harness.registry.component import Component
from harness.registry.sources import ModelRef
from harness.store.code import arithmetic_versions, code_digest
from harness.store.hashing import key_of, params_files

# Where a stage of the core begins; its code is all that these reach. A plugin's is in its component's identity.
COMPRESS = "harness.compression.make"
SAMPLE = "harness.running.stages.sample"
FIDELITY = "harness.running.stages.fidelity"
SAMPLE_BACKEND = "harness.running.stages.sample_backend"
GRADE = "harness.running.stages.grade"
DETECT = ("harness.running.stages.detect", "harness.detection.tools", "harness.detection.activations")


def make_cell(
    model: ModelRef,
    trainer: Component,
    monitor: Component | None,
    compressor: Component,
    suite: Component,
    seed: int,
    detectors: tuple[Component, ...],
    settings: Settings,
    questions: Questions,
    trains_on: TrainsOn | None = None,
) -> Cell:
    """The cell with the keys of all its stages. Arms that learned the same share a training, whichever suite judges them."""
    where: dict[str, JsonValue] = {
        "device": settings.device.partition(":")[0],
        "dtype": settings.dtype,
        "libraries": dict(arithmetic_versions()),
    }
    training_key = trained_key = compressed_key = None
    if not trainer.untouched:
        deployment = {name: value for name, value in trainer.params.items() if name in trainer.deployment}
        learned = {name: value for name, value in trainer.params.items() if name not in deployment}
        identity: dict[str, JsonValue] = {
            "train": {**trainer.identity, "params": learned},
            "model": model.digest,
            "suite": (trains_on.suite if trains_on else suite).identity,
            "seed": seed,
            **where,
        }
        chat = trains_on.chat if trains_on else settings.chat
        if chat != Chat():
            identity["chat"] = chat.model_dump(mode="json")
        if monitor:
            identity["monitor"] = {**monitor.identity, "core": code_digest(*DETECT)}
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
                "core": code_digest(COMPRESS),
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
            "core": code_digest(_sampling(model, questions)),
            **({"backend": model.backend.identity} if model.backend else {}),
            **({"loop": suite.identity} if questions.own_loop or questions.quotes else {}),
            **sampling,
            **where,
        }
    )
    labels = (
        [trainer.label, compressor.label, suite.label] if not trainer.untouched else [compressor.label, suite.label]
    )
    cell = Cell(
        id=f"{slug(model.name)}--{'--'.join(slug(label) for label in labels)}--s{seed}--{sample_key[:8]}",
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
        generations=questions.generated * settings.runs,
        scored=questions.scored * settings.runs,
        asked=questions.prompts * settings.runs,
        trains_on=None if trainer.untouched else trains_on,
        monitor=monitor,
    )
    return with_judges(cell, suite, detectors)


def _sampling(model: ModelRef, questions: Questions) -> str:
    """Where the code begins that asks the cell's model."""
    if questions.against_source:
        return FIDELITY
    return SAMPLE_BACKEND if model.backend else SAMPLE


def with_judges(cell: Cell, suite: Component, detectors: tuple[Component, ...]) -> Cell:
    """The same samples under these graders and detectors: only the keys that depend on them are new."""
    identity = {"suite": suite.identity, "samples": cell.sample_key}
    return cell.model_copy(
        update={
            "suite": suite,
            "grade_key": key_of({"grade": identity, "core": code_digest(GRADE)}),
            "detectors": detectors,
            "detect_keys": {one.label: key_of({**_detecting(one), **identity}) for one in detectors},
        }
    )


def _detecting(detector: Component) -> dict[str, JsonValue]:
    files = params_files(detector.params)
    identity: dict[str, JsonValue] = {"detect": detector.identity, "core": code_digest(*DETECT)}
    return identity | ({"files": dict(files)} if files else {})
