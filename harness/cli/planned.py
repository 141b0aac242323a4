"""From an experiment to its plan and run folder: `plan` and `run` begin alike, so that both refuse alike."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import shown

if TYPE_CHECKING:
    from harness.planning.cells import Plan
    from harness.planning.experiment import Experiment
    from harness.registry.catalogue import Catalogue
    from harness.store.run import RunStore

RUNS = Path("runs")


def planned(experiment: Experiment, catalogue: Catalogue, out: Path | None) -> tuple[Plan, RunStore]:
    """The plan, whose notes are said on stderr, and the folder it belongs to. Raises UsageError for whatever cannot run,
    and for a folder that holds another experiment."""
    from harness.cli.display import planning
    from harness.planning.frame import refuse_other_frame
    from harness.planning.plan import make_plan
    from harness.store.run import RunStore

    with planning() as say:
        made = make_plan(experiment, catalogue, say)
    store = RunStore(out or RUNS / made.name)
    refuse_other_frame(made, store, catalogue)
    for line in made.notes:
        print(shown(line), file=sys.stderr)
    return made, store
