"""How far a plan is: for each stage of each cell whether it is done, lies in the cache or is to do, and its time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from harness.checkpoints.manifest import MARKER
from harness.contract import Record
from harness.detection.tools import not_applicable
from harness.planning.cells import Cell, Plan
from harness.registry.catalogue import Catalogue
from harness.running.stages.weights import TRAINED
from harness.store.paths import artefact_folder
from harness.store.run import CellStore, RunStore

NOTHING = "–"  # what stands for a stage that a cell goes without


class StageOutlook(Record):
    """`seconds` were measured where the stage is done; else they are what cells of this folder that ask the same suite took,
    in proportion, or a forecast."""

    stage: str
    state: Literal["none", "done", "cached", "begun", "to do"]
    done: int = 0  # of a stage that counts: samples, verdicts, detectors
    of: int = 0
    seconds: float | None = None

    @property
    def described(self) -> str:
        """ "done 12 s", "begun 20/84, 40 s left", "to do, about 60 s"; a dash for a stage that the cell goes without."""
        if self.state == "none":
            return NOTHING
        time = "" if self.seconds is None else duration(self.seconds)
        if self.state in ("done", "cached"):
            return f"{self.state} {time}".rstrip()
        counted = f"begun {self.done}/{self.of}" if self.state == "begun" else "to do"
        return f"{counted}, ≈ {time}" if time else counted


Seconds = Mapping[str, Mapping[str, float]]  # by cell id and stage


def outlook(
    plan: Plan, run: RunStore, catalogue: Catalogue, forecast: Seconds | None = None
) -> dict[str, tuple[StageOutlook, ...]]:
    """By cell id, the stages in order. `forecast`: what stages to do will take, where this folder does not show it."""
    found = {cell.id: tuple(_stages(cell, run.cell(cell.id), catalogue)) for cell in plan.cells}
    seconds = {cell.id: run.cell(cell.id).state.seconds for cell in plan.cells}
    pace = _paces(plan.cells, found, seconds)
    return {
        cell.id: tuple(
            _timed(stage, cell, seconds[cell.id], pace, (forecast or {}).get(cell.id, {})) for stage in found[cell.id]
        )
        for cell in plan.cells
    }


def stored_replies(cell: Cell, store: CellStore) -> tuple[int, int]:
    """Stored replies of a cell that count: the generated ones, and those of texts that were scored."""
    replies = [row.reply for row in store.samples() if row.repeat < cell.settings.runs and row.reply is not None]
    scored = sum(reply.log_likelihood is not None or bool(reply.choice_log_likelihoods) for reply in replies)
    generated = min(len(replies) - scored, cell.generations)
    return generated, min(scored, cell.asked - cell.generations)


def is_made(cell: Cell, stage: Literal["train", "compress"]) -> bool:
    """Whether the weights that the stage makes lie in the cache."""
    key, whole = (cell.trained_key, TRAINED) if stage == "train" else (cell.compressed_key, MARKER)
    return key is None or (artefact_folder(key) / whole).is_file()


def _stages(cell: Cell, store: CellStore, catalogue: Catalogue) -> Iterator[StageOutlook]:
    stored, verdicts = sum(stored_replies(cell, store)), cell.items * cell.settings.runs
    sampled = stored >= cell.asked
    graded = sampled and _written(store, store.verdicts_path(cell.grade_key).name)
    wanted = [
        detector.label
        for detector in cell.detectors
        if not cell.monitored_by(detector)
        and not not_applicable(detector, catalogue.spec("detectors", detector.plugin)[0], cell.model)
    ]
    flagged = sum(sampled and _written(store, store.flags_path(cell.detect_keys[label]).name) for label in wanted)
    made: tuple[Literal["train", "compress"], ...] = ("train", "compress")
    for name in made:
        key = cell.trained_key if name == "train" else cell.compressed_key
        yield StageOutlook(
            stage=name,
            state="none" if key is None else "done" if stored else "cached" if is_made(cell, name) else "to do",
        )
    for stage, done, of in (
        ("sample", stored, cell.asked),
        ("grade", graded and verdicts, verdicts),
        ("detect", flagged, len(wanted)),
    ):
        state = "none" if not of else "done" if done >= of else "begun" if done else "to do"
        yield StageOutlook(stage=stage, state=state, done=done, of=of)


def _written(store: CellStore, name: str) -> bool:
    """Whether verdicts or flags were written to their end; what they were made from is compared when they are made."""
    return (store.folder / name).is_file() and (store.folder / name).with_suffix(".done").is_file()


Paces = dict[tuple[str, str], float]  # (suite, stage) -> seconds a unit


def _paces(
    cells: Iterable[Cell], found: dict[str, tuple[StageOutlook, ...]], seconds: dict[str, dict[str, float]]
) -> Paces:
    spent: dict[tuple[str, str], float] = defaultdict(float)
    units: dict[tuple[str, str], int] = defaultdict(int)
    for cell in cells:
        for stage in found[cell.id]:
            took = seconds[cell.id].get(stage.stage)
            if took and stage.done:
                spent[cell.suite.label, stage.stage] += took
                units[cell.suite.label, stage.stage] += stage.done
    return {key: spent[key] / units[key] for key in spent}


def _timed(
    stage: StageOutlook, cell: Cell, seconds: dict[str, float], pace: Paces, forecast: Mapping[str, float]
) -> StageOutlook:
    took: float | None = None
    last = "compress" if cell.compressed_key else "train"
    if stage.state == "done" and stage.stage in ("train", "compress"):
        took = seconds.get("weights") if stage.stage == last else None
    elif stage.state == "done":
        took = seconds.get(stage.stage)
    elif stage.of and (cell.suite.label, stage.stage) in pace:
        took = pace[cell.suite.label, stage.stage] * (stage.of - stage.done)
    elif stage.state in ("to do", "begun") and stage.stage in forecast:
        took = forecast[stage.stage] * (1 - stage.done / stage.of if stage.of else 1)
    return stage.model_copy(update={"seconds": took})


def duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
