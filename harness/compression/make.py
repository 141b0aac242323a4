"""Make an artefact, whichever way its compressor goes: a compression of its own, or parts of another one put together."""

from __future__ import annotations

from pathlib import Path

from harness.compression.calibration import CalibrationSource
from harness.compression.driver import CompressionResult, compress
from harness.compression.masked import put_together
from harness.contract import Compressor
from harness.contract.compression import Progress


def make_artefact(
    source: Path,
    compressor: Compressor,
    calibration: CalibrationSource,
    out: Path,
    *,
    device: str = "cpu",
    progress: Progress | None = None,
) -> CompressionResult:
    """As `driver.compress`, which see; returns at once if the artefact exists."""
    make = put_together if compressor.masks else compress
    return make(source, compressor, calibration, out, device=device, progress=progress)
