"""Training runs of a run folder, for the checks that look at a whole training. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.plan import Plan
from harness.store import RunStore
from harness.training_log import read_training
from harness_plugins.trainers.probe.checks import Rows


@dataclass(frozen=True)
class Trajectories:
    """Finished runs by trainer label, one for each seed, and the importance ratio that each trainer used."""

    runs: dict[str, list[Rows]] = field(default_factory=dict)
    ratios: dict[str, str] = field(default_factory=dict)

    def of(self, label: str) -> Sequence[Rows]:
        return self.runs.get(label, [])


def trajectories(folder: Path) -> Trajectories:
    """Raises UsageError if the folder is no run. Runs that did not reach their last step are left out."""
    store = RunStore(folder)
    plan = Plan.model_validate(store.read_plan())
    found = Trajectories()
    seen: set[tuple[str, int]] = set()
    for cell in plan.cells:
        label = cell.trainer.label
        rows = read_training(store.cell(cell.id).folder)
        if (label, cell.seed) in seen or not rows or rows[-1].get("step") != rows[-1].get("steps"):
            continue
        seen.add((label, cell.seed))
        found.runs.setdefault(label, []).append(rows)
        found.ratios[label] = str(cell.trainer.params.get("ratio", "one"))
    return found
