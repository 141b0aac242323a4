"""The suite as data."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from harness import Params, TaskSuiteSpec


class FidelityParams(Params):
    """`text` is a UTF-8 file, cut into pieces of at most `characters`. Without one, `items` held-out problems with their
    worked solutions are read, as a user's question and the reply that is scored; no compressor calibrates on them."""

    text: Path | None = None
    characters: int = Field(default=1000, ge=16)
    items: int = Field(default=64, ge=1)
    seed: int = 1  # of the draw of problems


SPEC = TaskSuiteSpec(
    name="fidelity",
    summary="KL divergence, same top token and loss beside the untouched model",
    target="harness_plugins.tasks.fidelity.suite:Fidelity",
    params=FidelityParams,
    beside_size="KL_divergence",
)
