"""From an experiment to its plan and run folder: planning and running begin alike, on the command line and in Python, so
that all refuse alike."""

from __future__ import annotations

import sys
from pathlib import Path

from harness.errors import shown
from harness.planning.cells import Plan
from harness.planning.experiment import Experiment
from harness.planning.frame import refuse_other_frame
from harness.planning.plan import make_plan
from harness.registry.catalogue import Catalogue
from harness.screen.progress import planning
from harness.store.run import RUNS, RunStore


def planned(experiment: Experiment, catalogue: Catalogue, out: Path | None) -> tuple[Plan, RunStore]:
    """The plan, whose notes are said on stderr, and the folder it belongs to. Raises UsageError for whatever cannot run,
    and for a folder that holds another experiment."""
    with planning() as say:
        made = make_plan(experiment, catalogue, say)
    store = RunStore(out or RUNS / made.name)
    refuse_other_frame(made, store, catalogue)
    for line in made.notes:
        print(shown(line), file=sys.stderr)
    return made, store
