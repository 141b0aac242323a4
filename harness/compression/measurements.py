"""Tables that a compressor measures before it plans, taken once per model, calibration and device.

A table takes as long as a compression. A budget, budgets of other sizes and all their controls need the same one, so it
is kept in the shared cache under the hash of all it depends on.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from pydantic import JsonValue

from harness.checkpoints.digest import model_digest
from harness.compression.calibration import calibration_digest
from harness.compression.pieces import write_json
from harness.contract import Compressor
from harness.contract.compression import Calibration, Progress
from harness.store.code import arithmetic_versions, code_digest
from harness.store.files import read_json
from harness.store.hashing import key_of
from harness.store.locks import exclusive_lock
from harness.store.paths import cache_folder

PROBES = 32  # sequences, at most, of which a measurement keeps what enters each block: on the disk, not in memory


def measured(
    compressor: Compressor, source: Path, calibration: Calibration, device: str, progress: Progress
) -> JsonValue:
    """The table that `compressor.plan` needs about the model in folder `source`; a second process waits for the first."""
    while compressor.treatment is not None:
        compressor = compressor.treatment
    measurer = compressor.measured_as or type(compressor)
    key = key_of(
        {
            "plugin": measurer.__qualname__,
            "source": code_digest(measurer.__module__),
            "core": code_digest(__name__, "harness.compression.blocks"),
            "libraries": arithmetic_versions(),
            "params": compressor.params.model_dump(mode="json", exclude=set(compressor.unmeasured)),
            "model": model_digest(source),
            "calibration": calibration_digest(calibration),
            "device": device.partition(":")[0],
        }
    )
    file = cache_folder() / "measurements" / f"{key[:32]}.json"
    with exclusive_lock(file):
        if not file.is_file():  # written whole or not at all
            scratch = file.with_suffix(".partial")
            scratch.mkdir(exist_ok=True)
            write_json(file, compressor.measure(source, calibration, device, progress, scratch))
            shutil.rmtree(scratch)
        return read_json(file)
