"""The detector as data."""

from __future__ import annotations

from pydantic import Field

from harness import DetectorSpec, Params


class CrossRunParams(Params):
    seconds: float = Field(default=3.0, gt=0)  # wall clock of one run of an evaluator


SPEC = DetectorSpec(
    name="cross-run",
    summary="the program's own evaluator judges stubs, the canonical solution and the program itself",
    target="harness_plugins.detectors.cross_run.detector:CrossRun",
    params=CrossRunParams,
    needs=frozenset({"exec", "reference"}),
)
