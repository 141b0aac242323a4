"""A plugin as data: what `harness list` reads without importing its code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import JsonValue

from harness.contract.evaluation import Axes, Reading
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
    beside_size: str | None = None  # the score that stands beside an arm's size in the tables of every suite
    readings: dict[str, dict[str, tuple[Reading, ...]]] = {}  # parameter -> its value -> how the axes are then read

    def axes_under(self, params: Mapping[str, JsonValue]) -> Axes | None:
        """The axes of a suite with these parameters, which an earlier version may have stored."""
        if self.axes is None:
            return None
        given = self.params.completed(params)
        read = [reading for name, ways in self.readings.items() for reading in ways.get(str(given.get(name)), ())]
        return self.axes.under(read)


class TrainerSpec(Spec):
    kind: ClassVar[str] = "trainers"
    deployment: frozenset[str] = frozenset()  # parameters that `Trainer.deploy` reads and training does not
    follows_up: bool = False  # it asks the prompts that quote a reply, too; others need suites without them


class DetectorSpec(Spec):
    kind: ClassVar[str] = "detectors"
