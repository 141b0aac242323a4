"""`harness run`: make the plan, do what is missing, report."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import options as o
from harness.cli.context import GlobalOptions, global_options
from harness.errors import plural, shown
from harness.planning.experiment import Experiment

if TYPE_CHECKING:
    from harness.running.executors import Executor
    from harness.store.run import RunStore

RUNS = Path("runs")


@o.takes_experiment
def run(
    context: typer.Context,
    experiment: Experiment,
    out: o.Out = None,
    json: o.Json = False,
    executor: Annotated[str, typer.Option(help="Where cells run.")] = "local",
    jobs: Annotated[int, typer.Option(help="Workers at a time.", min=1)] = 1,
    silence: Annotated[float, typer.Option(help="Seconds without a sign of life before a worker is killed.")] = 1800.0,
    shard: Annotated[
        str | None, typer.Option(metavar="I/N", help="Only part I of N of the cells; `harness merge` joins the parts.")
    ] = None,
) -> None:
    from harness.cli.display import display, planning
    from harness.planning.plan import make_plan
    from harness.planning.shards import Shard
    from harness.running.driver import drive, superseded
    from harness.store.run import RunStore

    options = global_options(context)
    part = Shard.parse(shard) if shard else Shard(1, 1)
    with planning() as say:
        plan = make_plan(experiment, options.catalogue, say)
    for line in plan.notes:
        print(shown(line), file=sys.stderr)
    store = RunStore(out or RUNS / plan.name)
    with store.lock():
        if earlier := superseded(plan, store):
            print(
                f"{plural(len(earlier), 'cell')} of this folder sampled by other code, "
                "libraries, settings or weights: the replies are kept, and the same questions are asked anew",
                file=sys.stderr,
            )
        runner = _executor(executor, options, store, jobs, silence)
        try:
            cells = part.cells(plan)
            with display(len(cells)) as progress:
                states = drive(plan, store, runner, options.plugins, progress, cells)
        except KeyboardInterrupt:
            resume = shlex.join(["harness", *sys.argv[1:]])
            print(f"interrupted; everything sampled so far is kept. Resume with:\n  {resume}", file=sys.stderr)
            raise typer.Exit(130) from None
        if part.of == 1:
            from harness.cli.report import publish

            publish(store, options, json)
        else:
            print(
                f"shard {shard}: {list(states.values()).count('done')} of its {plural(len(states), 'cell')} done, of "
                f"{len(plan.cells)} in the plan. When all shards are: harness merge RUN… --out FOLDER",
                file=sys.stderr,
            )
    if any(state != "done" for state in states.values()):
        raise typer.Exit(1)


def _executor(name: str, options: GlobalOptions, store: RunStore, jobs: int, silence: float) -> Executor:
    """The named executor, ready to take cells."""
    import importlib

    from harness.errors import UsageError
    from harness.running.executors.messages import WorkerSetup

    known = options.plugins.executors()
    if name not in known:
        raise UsageError(f"unknown executor {name!r}", f"one of {', '.join(sorted(known))}")
    module, _, attribute = known[name].partition(":")
    setup = WorkerSetup(
        run=str(store.folder.resolve()),
        plugins_dirs=tuple(str(path.resolve()) for path in options.plugins_dirs),
        disabled=options.disabled,
        registries=tuple(str(path.resolve()) for path in options.project_registries),
    )
    return getattr(importlib.import_module(module), attribute)(setup, slots=jobs, silence=silence)
