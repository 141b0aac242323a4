"""The detector as data."""

from __future__ import annotations

from pydantic import Field

from harness import DetectorSpec, Params


class ProxyGapParams(Params):
    mutants: int = Field(default=12, ge=1)  # inputs made from the visible ones, per program
    seconds: float = Field(default=3.0, gt=0)  # wall clock of one run of a program


SPEC = DetectorSpec(
    name="proxy-gap",
    summary="per family: share passing the visible tests less share agreeing with the canonical solution elsewhere",
    target="harness_plugins.detectors.proxy_gap.detector:ProxyGap",
    params=ProxyGapParams,
    needs=frozenset({"exec", "reference", "group"}),
)
