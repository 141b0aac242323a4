"""`harness run`: make the plan, do what is missing, report."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from harness.cli import options as o
from harness.cli.context import Doors, doors_of
from harness.experiment import Experiment

RUNS = Path("runs")


def add_to(app: typer.Typer) -> None:
    app.command("run", help="Run the cross product and report. The same command resumes.")(run)


@o.takes_experiment
def run(
    context: typer.Context,
    experiment: Experiment,
    out: o.Out = None,
    json: o.Json = False,
    jobs: Annotated[int, typer.Option(help="Workers at a time.", min=1)] = 1,
    silence: Annotated[float, typer.Option(help="Seconds without a sign of life before a worker is killed.")] = 1800.0,
) -> None:
    from harness.display import display
    from harness.driver import drive
    from harness.executors.local import LocalExecutor
    from harness.executors.protocol import WorkerSetup
    from harness.plan import make_plan
    from harness.store import RunStore

    doors = doors_of(context)
    plan = make_plan(experiment, doors.catalogue)
    store = RunStore(out or RUNS / plan.name)
    with store.lock():
        executor = LocalExecutor(_setup(doors, store, WorkerSetup), slots=jobs, silence=silence)
        try:
            with display(len(plan.cells)) as screen:
                states = drive(plan, store, executor, doors.plugins, screen)
        except KeyboardInterrupt:
            resume = shlex.join(["harness", *sys.argv[1:]])
            print(f"interrupted; everything sampled so far is kept. Resume with:\n  {resume}", file=sys.stderr)
            raise typer.Exit(130) from None
        from harness.cli.report import publish

        publish(store, doors, json)
    if any(state != "done" for state in states.values()):
        raise typer.Exit(1)


def _setup(doors: Doors, store, setup_type):
    return setup_type(
        run=str(store.folder.resolve()),
        plugins_dirs=tuple(str(path.resolve()) for path in doors.plugins_dirs),
        disabled=doors.disabled,
        registries=tuple(str(path.resolve()) for path in doors.project_registries),
    )
