"""`harness run`: make the plan, do what is missing, report."""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import options as o
from harness.cli.context import GlobalOptions, global_options
from harness.errors import plural
from harness.planning.experiment import Experiment

if TYPE_CHECKING:
    from harness.planning.cells import Plan
    from harness.running.executors import Executor
    from harness.running.remote_run import RemoteRun
    from harness.store.run import RunStore


@o.takes_experiment
def run(
    context: typer.Context,
    experiment: Experiment,
    out: o.Out = None,
    json: o.Json = False,
    wide: o.Wide = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Refuse or plan as a run would, and stop there.")] = False,
    executor: Annotated[str, typer.Option(help="Where cells run.")] = "local",
    jobs: Annotated[int, typer.Option(help="Workers at a time.", min=1)] = 1,
    silence: Annotated[float, typer.Option(help="Seconds without a sign of life before a worker is killed.")] = 1800.0,
    shard: Annotated[
        str | None, typer.Option(metavar="I/N", help="Only part I of N of the cells; `harness merge` joins the parts.")
    ] = None,
    remote: Annotated[
        str | None,
        typer.Option(
            "--store", metavar="URL", envvar="HARNESS_STORE", help="Shares models and replies: s3://, gs://, file://."
        ),
    ] = None,
) -> None:
    from harness.cli.display import display
    from harness.cli.planned import planned
    from harness.cli.report import closing, publish
    from harness.planning.shards import Shard
    from harness.running.driver import drive

    options = global_options(context)
    part = Shard.parse(shard) if shard else Shard(1, 1)
    plan, store = planned(experiment, options.catalogue, out)
    runner = _executor(executor, options, store, jobs, silence)
    if dry_run:
        from harness.cli.plan import describe

        describe(plan, store, options.catalogue, json, wide)
        return
    far = [_remote_run(remote, store)] if remote else []
    command = shlex.join(["harness", *sys.argv[1:]])
    with store.lock():
        for each in far:
            each.pull(plan)
        _say_what_stays(plan, store)
        try:
            cells = part.cells(plan)
            with display(len(cells)) as progress:
                states = drive(plan, store, runner, options.plugins, [progress, *far], cells)
        except KeyboardInterrupt:
            print(f"interrupted; everything sampled so far is kept. Resume with:\n  {command}", file=sys.stderr)
            raise typer.Exit(130) from None
        made = publish(store, options, json, wide=wide) if part.of == 1 else None
        for each in far:
            each.push()
    failed = sum(state != "done" for state in states.values())
    if made is None:
        print(
            f"shard {shard}: {len(states) - failed} of its {plural(len(states), 'cell')} done, of "
            f"{len(plan.cells)} in the plan. When all shards are: harness merge RUN… --out FOLDER",
            file=sys.stderr,
        )
    elif not json:
        closing(made, store, plan, failed, command)
    if failed:
        raise typer.Exit(1)


def _say_what_stays(plan: Plan, store: RunStore) -> None:
    """Cells of the folder that this command does not go on with."""
    from harness.running.driver import left_out, superseded

    earlier = superseded(plan, store)
    if earlier:
        print(
            f"{plural(len(earlier), 'cell')} of this folder sampled by other code, "
            "libraries, settings or weights: the replies are kept, and the same questions are asked anew",
            file=sys.stderr,
        )
    if others := left_out(plan, store).keys() - set(earlier):
        print(
            f"{plural(len(others), 'cell')} of this folder not selected: kept, and left out of the report",
            file=sys.stderr,
        )


def _remote_run(url: str, store: RunStore) -> RemoteRun:
    """The run folder in the store that this run and its workers share. Raises UsageError if the store does not answer."""
    from harness.running.remote_run import RemoteRun
    from harness.store.remote import STORE, Remote

    shared = Remote(url)
    shared.check()
    os.environ[STORE] = url
    return RemoteRun(shared, store)


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
