"""One compression as data: a model, a compressor and a folder, and what fixes the result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.checkpoints.checkpoint import Checkpoint
from harness.checkpoints.digest import model_digest
from harness.compression.calibration import CalibrationSource
from harness.contract import Compressor, Decisions, LinearShape, ModelShape
from harness.contract.compression import Progress
from harness.store.code import code_digest
from harness.store.hashing import digest_file, key_of

PARTIAL = "partial"


@dataclass(frozen=True)
class Job:
    """One model, one compressor, one folder. Before the measurements, `decisions` come from the compressor's prior."""

    checkpoint: Checkpoint
    shape: ModelShape
    compressor: Compressor
    decisions: Decisions
    wanted: CalibrationSource
    out: Path
    device: str
    progress: Progress

    @property
    def partial(self) -> Path:
        return self.out / PARTIAL

    @property
    def todo(self) -> list[LinearShape]:
        return [linear for linear in self.shape.linears if not self.decisions[linear.name].kept]

    @property
    def candidates(self) -> Sequence[LinearShape]:
        """The Linears that calibration must serve."""
        return self.shape.linears if self.compressor.measures else self.todo

    @property
    def calibrated(self) -> bool:
        return bool(self.compressor.calibrated and self.candidates)

    def plan_record(self) -> dict[str, Any]:
        return {name: decision.model_dump() for name, decision in self.decisions.items()}

    def fingerprint(self) -> str:
        """Fixes everything that the artefact's tensors depend on; measurements follow from the rest of it."""
        calibration = self.wanted.model_dump(mode="json")
        if (text := Path(self.wanted.source)).is_file():
            calibration["source"] = digest_file(text)
        return key_of(
            {
                "model": model_digest(self.checkpoint.folder),
                "compressor": _placeless(compressor_record(self.compressor)),
                "decisions": None if self.compressor.measures else self.plan_record(),
                "calibration": calibration if self.calibrated else None,
                "device": self.device.partition(":")[0],
            }
        )


def compressor_record(compressor: Compressor) -> dict[str, Any]:
    """A compressor as JSON, with the one that it is a control of."""
    plugin = type(compressor)
    record = {
        "plugin": f"{plugin.__module__}:{plugin.__qualname__}",
        "params": compressor.params.model_dump(mode="json"),
    }
    return record | ({"treatment": compressor_record(compressor.treatment)} if compressor.treatment else {})


def _placeless(record: dict[str, Any]) -> dict[str, Any]:
    """The record without the module that the class lies in: moving a file makes no other artefact."""
    found = {**record, "plugin": record["plugin"].partition(":")[2]}
    return found | ({"treatment": _placeless(record["treatment"])} if "treatment" in record else {})


def code_record(compressor: Compressor) -> dict[str, Any]:
    """Digests of the code that makes an artefact: ours, the compressor's, and its treatment's if it is a control."""
    plugin = type(compressor)
    record = {"core": code_digest("harness.compression.driver"), "plugin": None}
    if plugin.__module__ != "__main__":  # typed into a session, it has no file
        record["plugin"] = code_digest(plugin.__module__)
    return record | ({"treatment": code_record(compressor.treatment)} if compressor.treatment else {})
