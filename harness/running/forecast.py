"""What a plan will take, measured on this machine: one block of each compression, some items of each suite.

The items are asked of the untouched model, by the code that a run asks with and to their natural end, and their replies are
thrown away. A compressed arm is taken to cost as much. What was measured is kept, by machine, model and questions.
"""

from __future__ import annotations

import os
import platform
import tempfile
import time
from pathlib import Path

from harness.compression.calibration import CalibrationSource
from harness.compression.estimate import CostEstimate, estimate
from harness.contract import AgainstSource, Record
from harness.errors import HarnessError, UsageError
from harness.planning.cells import Cell, Plan
from harness.registry.catalogue import Catalogue
from harness.running.cell import CellRunner
from harness.running.outlook import is_made, stored_replies
from harness.running.stages.sample import questions, silent
from harness.store.code import code_digest
from harness.store.files import make_folder, read_json, write_json
from harness.store.hashing import key_of
from harness.store.paths import cache_folder
from harness.store.run import RunStore

PILOT_ITEMS = 32  # fewer would keep fewer rows in flight than a run does


class Pilot(Record):
    """Seconds: to load the model (and the libraries, where they were not yet), to ask one item's questions once, and to ask
    the untouched model about it where that is done once for all arms."""

    load: float
    item: float
    source: float = 0.0


class Forecast:
    """What stages that are to do will take.

    `seconds`: by cell id and stage. `compressions`: each one's needs, by "model, compressor". `skipped`: why there is no
    figure, by what it would have been of.
    """

    def __init__(self, plan: Plan, run: RunStore, catalogue: Catalogue) -> None:
        self.seconds: dict[str, dict[str, float]] = {cell.id: {} for cell in plan.cells}
        self.compressions: dict[str, CostEstimate] = {}
        self.skipped: dict[str, str] = {}
        self._asked: set[str] = set()
        self._made: set[str | None] = set()  # compressed keys
        for cell in plan.cells:
            if sum(stored_replies(cell, run.cell(cell.id))) < cell.asked:
                self._compression(cell, catalogue)
                self._sampling(cell, catalogue)

    @property
    def described(self) -> dict[str, str]:
        """A line for each compression and for whatever has no figure."""
        return {label: cost.described for label, cost in self.compressions.items()} | self.skipped

    def _compression(self, cell: Cell, catalogue: Catalogue) -> None:
        label = f"{cell.model.name}, {cell.compressor.label}"
        if is_made(cell, "compress") or label in self.skipped:
            return
        if label not in self.compressions:
            wanted = CalibrationSource(source=cell.model.calibration)
            try:
                plugin = catalogue.build(cell.compressor)
                # a trained model is as large as its source
                self.compressions[label] = estimate(Path(cell.model.path), plugin, wanted, device=cell.settings.device)
            except UsageError as error:
                self.skipped[label] = str(error)
                return
        # cells that share the weights find them made by the first of them
        again = cell.compressed_key in self._made
        self._made.add(cell.compressed_key)
        self.seconds[cell.id]["compress"] = 0.0 if again else self.compressions[label].seconds

    def _sampling(self, cell: Cell, catalogue: Catalogue) -> None:
        label = f"{cell.model.name}, {cell.suite.label}"
        if label in self.skipped:
            return
        try:
            found = pilot(cell, catalogue)
        except HarnessError as error:
            self.skipped[label] = str(error)
            return
        once = 0.0 if label in self._asked else found.source * cell.items
        self._asked.add(label)
        self.seconds[cell.id]["sample"] = found.load + once + found.item * cell.items * cell.settings.runs


def pilot(cell: Cell, catalogue: Catalogue) -> Pilot:
    """Ask the untouched model one item, which loads it, and then `PILOT_ITEMS`, spread evenly over the suite.

    Raises:
        UsageError: a server has the model, and asking it may cost money.
        StageError: what asking itself would raise.
    """
    if cell.model.backend is not None:
        raise UsageError(f"sampling through {cell.model.backend.name} is not timed")
    machine = (platform.node(), os.cpu_count(), os.environ.get("OMP_NUM_THREADS"), code_digest(__name__))
    asked = (cell.model.digest, cell.questions, cell.settings.model_dump(mode="json", exclude={"runs"}))
    file = cache_folder() / "estimates" / f"{key_of([machine, asked])[:32]}.json"
    if not file.is_file():
        make_folder(file.parent)
        write_json(file, _measured(cell, catalogue).model_dump())
    return Pilot.model_validate(read_json(file))


def _measured(cell: Cell, catalogue: Catalogue) -> Pilot:
    with tempfile.TemporaryDirectory(prefix="harness-pilot-") as scratch:
        runner = CellRunner(RunStore(Path(scratch)), catalogue, silent)
        suite = runner.suite(cell)
        items = list(dict.fromkeys(name[0] for name, _ in questions(cell, suite)))
        spread = items[:: -(-len(items) // PILOT_ITEMS)]

        def seconds(name: str, chosen: list[str]) -> float:
            asked = [(q, prompt) for q, prompt in questions(cell, suite) if q[0] in chosen and q[2] == 0]
            own = {"id": name, "questions": key_of([cell.questions, chosen])}
            begun = time.perf_counter()
            runner.ask(cell.model_copy(update=own), suite, asked, Path(cell.model.path))
            return time.perf_counter() - begun

        load = seconds("first", spread[:1])
        whole = seconds("spread", spread)
        again = seconds("again", spread) if isinstance(suite, AgainstSource) else whole
    return Pilot(load=load, item=again / len(spread), source=max(0.0, whole - again) / len(spread))
