"""What a sensitivity screen found: how much compressing each unit of a model damages each response."""

from __future__ import annotations

from harness.contract.compression import Decision
from harness.contract.records import Record

PLAN_FILE = "sensitivity.json"


class Effect(Record):
    """`damage`: how much the mean response falls when the unit is compressed, in its own unit; negative: it rises."""

    damage: float
    error: float | None  # standard error over clusters of items; None with fewer than two


class SweptLinear(Record):
    """A Linear as the screen compressed it; `error` is its relative reconstruction error."""

    unit: str
    rows: int
    columns: int
    decision: Decision
    error: float | None


class SensitivityPlan(Record):
    """`effects`: response -> unit -> effect, from the first of the screen's designs. `items`: keys of the items that it rests
    on."""

    format: int = 1
    model: str
    digest: str
    compressor: str
    unit: str  # "block" or "linear"
    designs: tuple[str, ...]
    effects: dict[str, dict[str, Effect]]
    noise: dict[str, float]  # response -> the largest change that the null probes made
    linears: dict[str, SweptLinear]
    items: tuple[str, ...]
