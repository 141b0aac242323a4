"""Training runs of a run folder, for the checks that look at a whole training. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from harness.planning.cells import Plan
from harness.store.run import RunStore
from harness.store.training_log import read_training
from harness_plugins.trainers.probe.checks import Rows


@dataclass(frozen=True)
class Trajectories:
    """Finished runs by trainer label and seed, and the importance ratio that each trainer used."""

    runs: dict[str, dict[int, Rows]] = field(default_factory=dict)
    ratios: dict[str, str] = field(default_factory=dict)

    def paired(self, *labels: str) -> dict[str, list[Rows]]:
        """The runs of each label under the seeds that all of them finished."""
        seeds = set.intersection(*(set(self.runs.get(label, {})) for label in labels))
        return {label: [self.runs[label][seed] for seed in sorted(seeds)] for label in labels if seeds}


def trajectories(folder: Path) -> Trajectories:
    """Raises UsageError if the folder is not a run. Runs that did not reach their last step are left out."""
    store = RunStore(folder)
    plan = Plan.of(store)
    found = Trajectories()
    for cell in plan.cells:
        label = cell.trainer.label
        rows = read_training(store.cell(cell.id).folder)
        if not rows or rows[-1].get("step") != rows[-1].get("steps"):
            continue
        found.runs.setdefault(label, {}).setdefault(cell.seed, rows)
        found.ratios[label] = str(cell.trainer.params.get("ratio", "one"))
    return found
