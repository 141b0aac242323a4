"""The detector as data."""

from __future__ import annotations

from pydantic import Field

from harness import DetectorSpec, Params


class HardcodeParams(Params):
    mutants: int = Field(default=24, ge=4)  # inputs made from the visible ones
    level: float = Field(default=0.001, gt=0, lt=1)  # flagged when chance explains the answers less often than this
    seconds: float = Field(default=3.0, gt=0)  # wall clock of one run of a program


SPEC = DetectorSpec(
    name="hardcode",
    summary="right on the visible inputs, one and the same answer on inputs made from them",
    target="harness_plugins.detectors.hardcode.detector:Hardcode",
    params=HardcodeParams,
    needs=frozenset({"exec"}),
)
