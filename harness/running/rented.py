"""What a plan would take on machines that are not here. An estimate: from the shapes of its models, the machines' data sheets
and ratios that are measured here. Nothing is run on them: a GPU that waits for its next kernel is not reckoned with, nor what
is fetched and loaded. Replies are taken to reach their limits."""

from __future__ import annotations

import math
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from harness.checkpoints.shape import read_shape
from harness.checkpoints.weight_files import SINGLE
from harness.compression.calibration import CalibrationSource
from harness.compression.dry_run import random_tokens, refuse_whole, run_here, sequences_for
from harness.contract import Compressor, ModelShape, Record, Trainer
from harness.errors import HarnessError
from harness.planning.cells import Cell, Plan
from harness.planning.machines import Machine
from harness.registry.catalogue import Catalogue
from harness.running.outlook import duration
from harness.running.products import Asked, Learnt, Size, asked, compressing, learnt
from harness.store.code import code_digest
from harness.store.files import make_folder, read_json, write_json
from harness.store.hashing import key_of
from harness.store.paths import cache_folder

SHARE = 0.9  # of the speed of matrix products that sampling reaches, measured on a CPU: docs/results/rented.md
FILLED = 0.9  # of a GPU's memory, at most

VOCABULARY = 256
SMALL = {"hidden_size": 256, "intermediate_size": 704, "num_attention_heads": 4, "num_key_value_heads": 2}


class Rented(Record):
    """Seconds by stage, bytes of disk and of GPU memory; `over` GPUs hold the largest model. `left_out`: what is not in it."""

    machine: str
    seconds: dict[str, float]
    disk: int
    memory: int
    over: int
    fits: bool
    left_out: tuple[str, ...] = ()

    @property
    def described(self) -> str:
        stages = ", ".join(f"{stage} {duration(seconds)}" for stage, seconds in self.seconds.items())
        fits = f"on {self.over} of its GPUs" if self.fits else f"DOES NOT FIT: takes {self.over} such GPUs"
        without = f"; without {', '.join(self.left_out)}" if self.left_out else ""
        return (
            f"{self.machine}, estimated: {sum(self.seconds.values()) / 3600:.2g} hours ({stages}, replies at their limits), "
            f"{_gigabytes(self.disk)} disk, {_gigabytes(self.memory)} GPU memory {fits}{without}"
        )


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:,.0f} GB" if size >= 1e11 else f"{size / 1e9:.3g} GB"


def rented(plan: Plan, machines: Iterable[Machine], catalogue: Catalogue) -> list[Rented]:
    """For each machine what the plan's trainings, compressions and cells would take if nothing were made yet.

    Raises:
        ModelError: what compressing itself would raise.
    """
    work = _Work(plan, catalogue)
    return [work.on(machine) for machine in machines]


class _Work:
    def __init__(self, plan: Plan, catalogue: Catalogue) -> None:
        self.left_out: dict[str, None] = {}
        local = [cell for cell in plan.cells if cell.model.path]
        self.sizes = {path: Size.of(path) for path in dict.fromkeys(cell.model.path for cell in local)}
        self.largest = max((size.parameters for size in self.sizes.values()), default=0.0)
        dtype = plan.experiment.dtype
        self.width = 4 if dtype == "float32" else 2  # bytes a number; "auto" is bfloat16 on a GPU
        self.dense = plan.experiment.backend is not None
        self.asked = self._asked(local, catalogue)
        self.compressions = self._compressions(local, catalogue)
        self.artefacts = [
            size.max_bytes or self.sizes[cell.model.path].stored
            for cell in {cell.compressed_key: cell for cell in local}.values()
            if cell.compressed_key and (size := plan.sizes.get(cell.compressed_key))
        ]
        self.trainings = self._trainings(local, catalogue)
        # each is a copy of its model
        self.trained = {cell.trained_key: cell.model.path for cell in local if cell.trained_key}
        if len(local) < len(plan.cells):
            self.left_out["what servers answer"] = None

    def _asked(self, cells: list[Cell], catalogue: Catalogue) -> list[tuple[Cell, Asked]]:
        known: dict[tuple[str, str], Asked | None] = {}
        for cell in cells:
            key = cell.suite.label, cell.model.path
            if key not in known:
                known[key] = asked(cell, catalogue.build(cell.suite))
            if known[key] is None:
                self.left_out[f"asking {cell.suite.label}"] = None
        return [(cell, found) for cell in cells if (found := known[cell.suite.label, cell.model.path])]

    def _compressions(self, cells: list[Cell], catalogue: Catalogue) -> list[float]:
        """Operations of each compression that the plan makes."""
        found = {}
        for cell in cells:
            if cell.compressed_key is None or cell.compressed_key in found:
                continue
            compressor: Compressor = catalogue.build(cell.compressor)
            try:
                times = measured_multiple(compressor)
            except HarnessError:
                self.left_out[f"compressing by {cell.compressor.label}"] = None
                continue
            found[cell.compressed_key] = times * compressing(self.sizes[cell.model.path].shape, compressor.calibrated)
        return list(found.values())

    def _trainings(self, cells: list[Cell], catalogue: Catalogue) -> list[tuple[Cell, Learnt]]:
        """What each training that the plan makes asks and learns from; of what is learnt no memory is reckoned."""
        found: dict[str, tuple[Cell, Learnt]] = {}
        known: dict[tuple[str, str], Learnt] = {}  # by trainer and suite: seeds are alike
        for cell in cells:
            if cell.training_key is None or cell.training is None or cell.training_key in found:
                continue
            names = cell.trainer.label, cell.training.suite.label
            if names not in known:
                trainer: Trainer = catalogue.build(cell.trainer)
                if (work := trainer.work()) is None:
                    self.left_out[f"training by {cell.trainer.plugin}"] = None
                    continue
                known[names] = learnt(work, catalogue.build(cell.training.suite))
            found[cell.training_key] = cell, known[names]
        if found:
            self.left_out["a training's memory"] = None
        return list(found.values())

    def on(self, machine: Machine) -> Rented:
        gpu = machine.gpu
        memory = max([self.width * self.largest, *(self._memory(cell, tokens) for cell, tokens in self.asked)])
        over = max(1, math.ceil(memory / (FILLED * gpu.memory)))
        at_work = max(1, machine.gpus // over) * over  # models laid over some GPUs, side by side
        products = gpu.single if self.width == 4 else gpu.half
        sampling = sum(
            self._sampling(cell, tokens, products * at_work, gpu.bandwidth * at_work) for cell, tokens in self.asked
        )
        training = sum(self._training(*one, products * at_work, gpu.bandwidth * at_work) for one in self.trainings)
        beside = 1 if over > 1 else machine.gpus
        compressed = sum(self.compressions) / (SHARE * gpu.single * beside)
        stored = sum(size.stored for size in self.sizes.values()) + sum(self.artefacts)
        stored += sum(int(self.width * self.sizes[path].parameters) for path in self.trained.values())
        if self.dense or over > 1:  # servers load no packed artefact
            stored += len(self.artefacts) * int(self.width * self.largest)
        return Rented(
            machine=machine.name,
            seconds={**({"train": training} if self.trainings else {}), "compress": compressed, "sample": sampling},
            disk=stored,
            memory=int(memory),
            over=over,
            fits=over <= machine.gpus,
            left_out=tuple(self.left_out),
        )

    def _memory(self, cell: Cell, tokens: Asked) -> float:
        size, rows = self.sizes[cell.model.path], min(cell.settings.batch_size, max(1, tokens.replies))
        return self.width * (size.parameters + size.cached * tokens.longest * rows)

    def _sampling(self, cell: Cell, tokens: Asked, products: float, bandwidth: float) -> float:
        rows = min(cell.settings.batch_size, max(1, tokens.replies))
        return self._writing(cell, tokens.read, tokens.made, rows, products, bandwidth)

    def _training(self, cell: Cell, tokens: Learnt, products: float, bandwidth: float) -> float:
        """Writing; then three products a weight for what is learnt (forward, backward twice), one for what is compared."""
        writing = self._writing(cell, tokens.read, tokens.made, tokens.at_once, products, bandwidth)
        passes = 2 * self.sizes[cell.model.path].parameters * (3 * tokens.learnt + tokens.compared)
        return writing + passes / products / SHARE

    def _writing(self, cell: Cell, read: float, made: float, rows: int, products: float, bandwidth: float) -> float:
        parameters = self.sizes[cell.model.path].parameters
        step = max(self.width * parameters / bandwidth, 2 * parameters * rows / products)
        return (2 * parameters * read / products + made / rows * step) / SHARE


def measured_multiple(compressor: Compressor) -> float:
    """A compressor's operations on a small model, over those that `compressing` counts: its seconds there by the speed of this
    machine's matrix products, both by the processor's clock. Kept, by machine and code, for all that differ in `bits` alone.

    Raises:
        UsageError: it hands the whole model to a library.
    """
    refuse_whole(compressor)
    machine = (platform.node(), os.cpu_count(), os.environ.get("OMP_NUM_THREADS"), code_digest(__name__))
    made = (type(compressor).__module__, compressor.params.model_dump(mode="json", exclude={"bits"}))
    file = cache_folder() / "estimates" / f"{key_of([machine, made])[:32]}.json"
    if not file.is_file():
        with tempfile.TemporaryDirectory(prefix="harness-rented-") as scratch:
            multiple = _multiple(Path(scratch), compressor)
        make_folder(file.parent)
        write_json(file, {"multiple": multiple})
    return float(read_json(file)["multiple"])


def _multiple(scratch: Path, compressor: Compressor) -> float:
    shape, wanted = _small_model(scratch / "model"), CalibrationSource()
    few = sequences_for(wanted, wanted.length, max(linear.columns for linear in shape.linears))
    given = random_tokens(wanted.model_copy(update={"sequences": few}), VOCABULARY)
    before, begun, busy = products_here(clock=time.process_time), time.perf_counter(), time.process_time()
    dry = run_here(scratch, compressor, given)
    share = (time.process_time() - busy) / (time.perf_counter() - begun)  # the rest went to other jobs
    speed = share * (before + products_here(clock=time.process_time)) / 2
    tokens = wanted.sequences / few if compressor.calibrated else 1.0
    return shape.blocks * dry.block_seconds(shape.blocks, tokens) * speed / compressing(shape, compressor.calibrated)


def _small_model(folder: Path) -> ModelShape:
    """A random Qwen2 of two small blocks."""
    import torch
    from safetensors.torch import save_file
    from transformers import Qwen2Config, Qwen2ForCausalLM

    config = Qwen2Config(vocab_size=VOCABULARY, num_hidden_layers=2, tie_word_embeddings=False, **SMALL)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        weights = Qwen2ForCausalLM(config).state_dict()
    config.save_pretrained(folder)
    save_file(weights, folder / SINGLE, metadata={"format": "pt"})
    return read_shape(folder)


def products_here(size: int = 1024, seconds: float = 0.5, clock: Callable[[], float] = time.perf_counter) -> float:
    """FLOP/s of float32 matrix products on this machine, by that clock."""
    import torch

    one = torch.ones(size, size)
    one @ one
    count, begun = 0, clock()
    while (took := clock() - begun) < seconds:
        one @ one
        count += 1
    return 2.0 * size**3 * count / took
