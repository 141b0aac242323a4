"""The weights a cell samples: the source model, trained and compressed as the cell says, from the shared cache by key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import JsonValue

from harness.checkpoints.checkpoint import stored_bytes
from harness.checkpoints.digest import model_digest
from harness.checkpoints.manifest import MARKER, summary
from harness.contract import Flag, Trainable, TrainContext, Trainer, View
from harness.errors import ModelError, PluginError
from harness.planning.cells import Cell, TrainsOn
from harness.registry.catalogue import Catalogue
from harness.registry.component import build
from harness.running.stages.monitor import training_monitor
from harness.store.cache import mark_used
from harness.store.files import write_json
from harness.store.locks import exclusive_lock
from harness.store.paths import artefact_folder
from harness.store.remote import shared
from harness.store.run import CompressionFacts, RunStore
from harness.store.training_log import append_training, copy_training_log

Progress = Callable[[str, int, int], None]
Monitor = Callable[[Sequence[View]], Sequence[Flag]]
TRAINED = "TRAINED.json"  # written last; without it a cached folder is unfinished


def cell_weights(cell: Cell, catalogue: Catalogue, run: RunStore, progress: Progress) -> Path:
    """The folder to load; trains and compresses what is not in the cache."""
    folder = Path(cell.model.path)
    if model_digest(folder) != cell.model.digest:
        raise ModelError(f"{folder} changed since the run was planned", "run the same command again")
    if cell.trained_key:
        folder = _trained(cell, folder, catalogue, run, progress)
        mark_used(folder)
    if cell.compressed_key:
        folder = _compressed(cell, folder, catalogue, progress)
        mark_used(folder)
    return folder


def weight_facts(folder: Path) -> CompressionFacts:
    """Read from the model or artefact itself."""
    if not (folder / MARKER).is_file():
        return CompressionFacts(bytes=stored_bytes(folder))
    size = summary(folder)
    return CompressionFacts(
        layers_replaced=size.replaced,
        linears=size.linears,
        bits_per_weight=size.bits_per_weight,
        bytes=size.bytes,
    )


def finished_weights(cell: Cell) -> Path | None:
    """The folder that `cell_weights` would give, if nothing has to be made for it."""
    key = cell.compressed_key or cell.trained_key
    folder = artefact_folder(key) if key else Path(cell.model.path)
    whole = MARKER if cell.compressed_key else TRAINED if cell.trained_key else "config.json"
    return folder if cell.model.path and (folder / whole).is_file() else None


def _trained(cell: Cell, source: Path, catalogue: Catalogue, run: RunStore, progress: Progress) -> Path:
    """The trained weights as the cell deploys them."""
    assert cell.training_key is not None
    assert cell.trained_key is not None
    trained = _training(cell, cell.training_key, source, catalogue, run, progress)
    if cell.trained_key == cell.training_key:
        return trained
    out = artefact_folder(cell.trained_key)
    with exclusive_lock(out), shared(out, TRAINED):
        if not (out / TRAINED).exists():
            trainer, context = _trainer(cell, catalogue), _context(cell, source, out)
            _finish(cell, cell.trained_key, trainer.deploy(trained, context), out)
    return out


def _training(cell: Cell, key: str, source: Path, catalogue: Catalogue, run: RunStore, progress: Progress) -> Path:
    """What the trainer learned, shared by all cells that differ in deployment only."""
    out = artefact_folder(key)
    cell_folder = run.cell(cell.id).folder
    with exclusive_lock(out), shared(out, TRAINED):
        if not (out / TRAINED).exists():
            learned = _learned(cell).suite
            suite: Trainable = build(learned, catalogue.spec("tasks", learned.plugin)[0])

            def log(row: dict[str, JsonValue]) -> None:
                append_training(row, out, cell_folder)
                catalogue.plugins.notify("harness_training_row", run=run.folder, cell=cell, row=row)
                step, steps = row.get("step"), row.get("steps")
                if isinstance(step, int) and isinstance(steps, int):
                    progress("train", step, steps)

            context = _context(cell, source, out, log, training_monitor(cell, suite, catalogue))
            _finish(cell, key, _trainer(cell, catalogue).train(suite, context), out)
        copy_training_log(out, cell_folder)
    return out


def _learned(cell: Cell) -> TrainsOn:
    assert cell.training is not None
    return cell.training


def _trainer(cell: Cell, catalogue: Catalogue) -> Trainer:
    return build(cell.trainer, catalogue.spec("trainers", cell.trainer.plugin)[0])


def _context(
    cell: Cell,
    source: Path,
    out: Path,
    log: Callable[[dict[str, JsonValue]], None] = lambda row: None,
    monitor: Monitor | None = None,
) -> TrainContext:
    return TrainContext(
        source=source,
        out=out,
        seed=cell.seed,
        device=cell.settings.device,
        dtype=cell.settings.dtype,
        chat=_learned(cell).chat,
        log=log,
        monitor=monitor,
    )


def _finish(cell: Cell, key: str, made: Path, out: Path) -> None:
    if Path(made) != out:
        raise PluginError(f"trainer {cell.trainer.label} wrote to {made}, not to {out}")
    write_json(out / TRAINED, {"key": key, "trainer": cell.trainer.identity, "source": cell.model.digest})


def _compressed(cell: Cell, source: Path, catalogue: Catalogue, progress: Progress) -> Path:
    from harness.compression.calibration import CalibrationSource
    from harness.compression.make import make_artefact

    assert cell.compressed_key is not None
    out = artefact_folder(cell.compressed_key)
    with exclusive_lock(out), shared(out, MARKER):
        compressor = catalogue.build(cell.compressor)
        wanted = CalibrationSource(source=cell.model.calibration)
        # returns at once if the artefact exists
        make_artefact(source, compressor, wanted, out, device=cell.settings.device, progress=progress)
    return out
