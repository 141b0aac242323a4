"""The detector as data."""

from __future__ import annotations

from pydantic import Field

from harness import DetectorSpec, Params


class ProbeParams(Params):
    depth: float = Field(default=0.75, ge=0, le=1)  # after which share of the blocks the stream is read
    l2: float = Field(default=0.01, gt=0)  # on the weights of standardised activations, beside the mean log loss
    threshold: float = Field(default=0.5, gt=0, lt=1)  # of the probe's probability of gaming


SPEC = DetectorSpec(
    name="probe",
    summary="logistic probe on the model's activations over its reply, fitted on other problems",
    target="harness_plugins.detectors.probe.detector:Probe",
    params=ProbeParams,
    needs=frozenset({"activations"}),
)
