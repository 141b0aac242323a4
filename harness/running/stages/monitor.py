"""The detector that watches a training run, and why it does not grade the result.

A policy that was trained against a detector has been selected for replies that this detector does not flag. So an arm
is not judged by its monitor, nor by another preset of the monitor's plugin, which shares its rules.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.contract import Detector, Flag, Trainable, View
from harness.detection.tools import make_tools, not_applicable
from harness.detection.views import references
from harness.errors import StageError
from harness.planning.cells import Cell
from harness.registry.catalogue import Catalogue
from harness.registry.component import build
from harness.registry.sources import locate_model


def training_monitor(
    cell: Cell, suite: Trainable, catalogue: Catalogue
) -> Callable[[Sequence[View]], Sequence[Flag]] | None:
    """The monitor that the cell's trainer asks for, ready to inspect rollouts of training items, or None.

    Raises StageError if it needs what training cannot give it.
    """
    if cell.monitor is None:
        return None
    spec = catalogue.spec("detectors", cell.monitor.plugin)[0]
    if reason := not_applicable(cell.monitor, spec, None):
        raise StageError(f"{cell.trainer.label} cannot be monitored by {cell.monitor.label}: it {reason}")
    assert cell.training is not None
    sandbox = str(cell.training.suite.params.get("sandbox", "bwrap"))
    settings = cell.settings
    detector: Detector = build(cell.monitor, spec)
    detector.tools = make_tools(
        cell.monitor,
        spec,
        sandbox,
        references(suite, suite.training_items()),
        lambda name: locate_model(name, catalogue).path,
        settings.device,
        settings.dtype,
    )
    return detector.inspect
