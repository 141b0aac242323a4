"""What a group of cells asks of the machine that runs it, from the size of its model."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from harness.checkpoints.checkpoint import stored_bytes
from harness.planning.cells import Cell

IDLE = 2e9  # bytes that a worker takes with its libraries, before any model
COPIES = 2  # of the weights in main memory, while they are read or compressed
TRAINED = 4  # of the weights: gradients, and the optimizer's two moments
PARALLEL = "tensor_parallel_size"  # a backend's argument: over how many GPUs it lays a model


class Needs(NamedTuple):
    gpus: int
    memory: int  # bytes of main memory

    @property
    def described(self) -> str:
        return f"{self.gpus} GPU and {self.memory / 1e9:.0f} GB" if self.gpus else f"{self.memory / 1e9:.0f} GB"


def needs(cells: Sequence[Cell]) -> Needs:
    """Of cells that share a model. A model that a server has asks for nothing here; one GPU holds any other, but for a backend
    that is told to lay it over several."""
    model, settings = cells[0].model, cells[0].settings
    if not model.path:
        return Needs(0, int(IDLE))
    copies = max(COPIES, TRAINED * any(cell.training_key is not None for cell in cells))
    memory = int(_weights(model.path) * copies + IDLE)
    if not settings.device.startswith("cuda"):
        return Needs(0, memory)
    over = model.backend.args.get(PARALLEL) if model.backend else None
    return Needs(over if isinstance(over, int) else 1, memory)


@cache
def _weights(folder: str) -> int:
    return stored_bytes(Path(folder))
