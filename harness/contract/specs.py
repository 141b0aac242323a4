"""A plugin as data: what `harness list` reads without importing its code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import JsonValue

from harness.contract.evaluation import Axes
from harness.contract.records import Params, Record


class Spec(Record):
    """A plugin as data: what `harness list` shows, without importing the code behind it."""

    kind: ClassVar[str]
    name: str
    summary: str
    target: str  # "module:attribute", imported when a plan or a cell first needs it
    params: type[Params] = Params
    needs: frozenset[str] = frozenset()  # what a run must provide; unmet needs make it unavailable, with the reason
    requires: tuple[str, ...] = ()  # import names of optional dependencies
    extra: str | None = None  # the pip extra that brings `requires`
    treatment: str | None = None  # for a control: the parameter that names the component it is a control of


class CompressorSpec(Spec):
    kind: ClassVar[str] = "compressors"


class TaskSuiteSpec(Spec):
    kind: ClassVar[str] = "tasks"
    axes: Axes | None = None  # None: the suite returns Scores
    reading: str | None = None  # the parameter that says how the proxy is read, where there are several ways
    readings: dict[str, Axes] = {}  # that parameter's values with axes of their own

    def axes_under(self, params: Mapping[str, JsonValue]) -> Axes | None:
        """The axes of a suite with these parameters."""
        return self.readings.get(str(params.get(self.reading)), self.axes) if self.reading else self.axes


class TrainerSpec(Spec):
    kind: ClassVar[str] = "trainers"
    deployment: frozenset[str] = frozenset()  # parameters that `Trainer.deploy` reads and training does not


class DetectorSpec(Spec):
    kind: ClassVar[str] = "detectors"
