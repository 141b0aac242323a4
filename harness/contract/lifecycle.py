"""What the lifecycle hooks pass on about a run: as much of the plan and its cells as a plugin needs to follow it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol


class PlannedCell(Protocol):
    """One row of work: a model, what was done to it, and what it is asked. The whole record is in the cell's cell.json."""

    @property
    def id(self) -> str: ...
    @property
    def model(self) -> Any: ...  # .name, .path, .digest
    @property
    def trainer(self) -> Any: ...  # .label, .plugin, .params
    @property
    def compressor(self) -> Any: ...
    @property
    def suite(self) -> Any: ...
    @property
    def seed(self) -> int: ...
    @property
    def items(self) -> int: ...
    @property
    def generations(self) -> int: ...


class RunPlan(Protocol):
    """Every cell of a run. The whole record is in the run folder's plan.json."""

    @property
    def cells(self) -> Sequence[PlannedCell]: ...
