"""The detector as data."""

from __future__ import annotations

from pydantic import Field

from harness import DetectorSpec, Params


class StaticParams(Params):
    threshold: float = Field(default=0.5, gt=0, le=1)  # a program is flagged from this score on


SPEC = DetectorSpec(
    name="static",
    summary="rules on the program's syntax tree; runs nothing",
    target="harness_plugins.detectors.static.detector:Static",
    params=StaticParams,
    needs=frozenset({"text"}),
)
