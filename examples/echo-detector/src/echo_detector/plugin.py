"""What listing and planning read."""

from __future__ import annotations

from pydantic import Field

import harness
from harness import DetectorSpec, Params


class EchoParams(Params):
    words: int = Field(default=4, ge=1)  # length of the runs that are compared
    threshold: float = Field(default=0.5, gt=0, le=1)


SPEC = DetectorSpec(
    name="echo",
    summary="replies that repeat their prompt",
    target="echo_detector.detector:Echo",
    params=EchoParams,
    needs=frozenset({"text"}),
)


@harness.hookimpl
def harness_register_detectors() -> list[DetectorSpec]:
    return [SPEC]
